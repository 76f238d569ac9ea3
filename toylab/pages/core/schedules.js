// Noise schedules in continuous time and the nodes of a run, as in toylab/schedules.py and toylab/grids.py.
// All follows from log alpha_bar(t), so that 1 - alpha_bar keeps its digits near t = 0.

export const T_MIN = 1e-3;

const BETA = [0.1, 20];
const ROOT = Math.sqrt(BETA[0]), RISE = Math.sqrt(BETA[1]) - ROOT; // of quad
const OFFSET = 0.008, RATE = Math.PI / 2 / (1 + OFFSET), A0 = RATE * OFFSET; // of cosine

export const SCHEDULES = {
  linear: {
    tMax: 1,
    logAlphaBar: (t) => -(BETA[0] + 0.5 * (BETA[1] - BETA[0]) * t) * t,
    beta: (t) => BETA[0] + (BETA[1] - BETA[0]) * t,
    tOfSigma(sigma) {
      const u = Math.log1p(sigma ** 2);
      return 2 * u / (BETA[0] + Math.sqrt(BETA[0] ** 2 + 2 * (BETA[1] - BETA[0]) * u));
    },
  },
  cosine: {
    tMax: 0.9946,
    logAlphaBar: (t) => t < 0.5
      ? Math.log1p(-Math.sin(RATE * t) * Math.sin(2 * A0 + RATE * t) / Math.cos(A0) ** 2)
      : 2 * Math.log(Math.sin(RATE * (1 - t)) / Math.cos(A0)),
    beta: (t) => 2 * RATE * (t < 0.5 ? Math.tan(A0 + RATE * t) : 1 / Math.tan(RATE * (1 - t))),
    tOfSigma(sigma) {
      const cosine = Math.cos(A0) / Math.sqrt(1 + sigma ** 2);
      const sine = Math.sqrt(Math.sin(A0) ** 2 + (Math.cos(A0) * sigma) ** 2 / (1 + sigma ** 2));
      return (Math.atan2(sine, cosine) - A0) / RATE;
    },
  },
  quad: {
    tMax: 1,
    logAlphaBar: (t) => -(ROOT ** 2 + ROOT * RISE * t + RISE ** 2 * t ** 2 / 3) * t,
    beta: (t) => (ROOT + RISE * t) ** 2,
    tOfSigma: (sigma) => ROOT / RISE * Math.expm1(Math.log1p(3 * RISE / ROOT ** 3 * Math.log1p(sigma ** 2)) / 3),
  },
  sigmoid: {
    tMax: 1,
    logAlphaBar: (t) => -(0.1 * t + 19.9 / 12 * Math.log1p(Math.expm1(12 * t) / (1 + Math.exp(6)))),
    beta: (t) => 0.1 + 19.9 / (1 + Math.exp(6 - 12 * t)),
    tOfSigma(sigma) { // bisection, then one Newton step
      const target = Math.log1p(sigma ** 2);
      let low = 0, high = 1;
      for (let i = 0; i < 60; i++) {
        const middle = (low + high) / 2;
        if (-this.logAlphaBar(middle) > target) high = middle;
        else low = middle;
      }
      const t = (low + high) / 2;
      return Math.min(1, t + (target + this.logAlphaBar(t)) / this.beta(t));
    },
  },
  constant: {
    tMax: 1,
    logAlphaBar: (t) => -10 * t,
    beta: () => 10,
    tOfSigma: (sigma) => Math.log1p(sigma ** 2) / 10,
  },
};

export const rootAlphaBar = (schedule, t) => Math.exp(schedule.logAlphaBar(t) / 2);
export const noiseStd = (schedule, t) => Math.sqrt(-Math.expm1(schedule.logAlphaBar(t)));
export const sigmaAt = (schedule, t) => Math.sqrt(Math.expm1(-schedule.logAlphaBar(t)));

const RHO = 7; // of Karras et al. 2022

// spacing -> [clock of t, t of clock]: nodes are equispaced in the clock
export const SPACINGS = {
  t: [(schedule, t) => t, (schedule, clock) => clock],
  sigma: [sigmaAt, (schedule, clock) => schedule.tOfSigma(clock)],
  logsnr: [(schedule, t) => Math.log(sigmaAt(schedule, t)), (schedule, clock) => schedule.tOfSigma(Math.exp(clock))],
  karras: [(schedule, t) => sigmaAt(schedule, t) ** (1 / RHO), (schedule, clock) => schedule.tOfSigma(clock ** RHO)],
  quad: [(schedule, t) => Math.sqrt(t), (schedule, clock) => clock ** 2],
};

// `steps` + 1 decreasing times from tStart to tEnd. Throws where two of them are not apart.
export function nodesOf(schedule, steps, tStart, tEnd, spacing) {
  const [clock, time] = SPACINGS[spacing], from = clock(schedule, tStart), to = clock(schedule, tEnd);
  const times = Float64Array.from({ length: steps + 1 }, (_, i) => time(schedule, from + (to - from) * (i / steps)));
  [times[0], times[steps]] = [tStart, tEnd];
  if (times.some((t, i) => i && !(t < times[i - 1]))) throw new Error(`${steps} steps with spacing ${spacing} lie too close`);
  return times;
}
