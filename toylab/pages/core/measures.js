// Errors against the exact flow, the order that they show, and the Pareto front, as in toylab/analysis.
import { runMethod } from "./methods.js";
import { mersenne } from "./plane.js";
import { nodesOf } from "./schedules.js";

const ABOVE_FLOOR = 10, AGREE = 0.3, SETTLED = 0.2, DOUBT = 0.4, RESAMPLES = 400;
const FINE = { kind: "Pair", gradient: "rk4", transfer: "pseudo", midpoint: "sigma", weights: "equispaced" };

// End points of the exact flow from x, and their estimated rms error: order 4 in log sigma, twice, extrapolated.
export function exactFlow(tables, schedule, x, eps, tStart, tEnd, steps) {
  const [coarse, fine] = [steps / 2, steps].map((count) =>
    runMethod(FINE, tables, schedule, nodesOf(schedule, count, tStart, tEnd, "logsnr"), x, eps).states[count]);
  const end = fine.map((value, i) => value + (value - coarse[i]) / 15);
  return { x: end, error: rmsDistance(end, fine) };
}

// The distance between a and b [2 n] of every particle: [n].
export function distancesBetween(a, b) {
  return Float64Array.from({ length: a.length / 2 }, (_, i) => Math.hypot(a[2 * i] - b[2 * i], a[2 * i + 1] - b[2 * i + 1]));
}

export const rms = (values) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
export const rmsDistance = (a, b) => rms(distancesBetween(a, b));

// Error below which float64 arithmetic rules, for states of the size of x.
export const roundOff = (x) => 16 * Number.EPSILON * rmsDistance(x, new Float64Array(x.length));

// The slope of log error against log(1 / steps) over the asymptotic window: { errors, order, window: [bool], asymptotic }
// of the errors of all particles at each step count, [[n]]; order is NaN where fewer than two step counts take part. The
// window is the longest run that ends at the last error above the floor and whose local orders agree. Asymptotic: the
// last two local orders agree, and the particles, drawn anew, on one integer.
export function fitOrder(steps, particleErrors, floor) {
  const errors = particleErrors.map(rms), window = steps.map(() => false);
  let last = errors.length - 1;
  while (last >= 0 && !(errors[last] > ABOVE_FLOOR * floor && Number.isFinite(errors[last]))) last--;
  if (last < 0) return { errors, order: NaN, window, asymptotic: false };
  const local = (i) => -Math.log(errors[i + 1] / errors[i]) / Math.log(steps[i + 1] / steps[i]);
  let first = last;
  while (first > 0 && Math.abs(local(first - 1) - local(last - 1)) <= AGREE) first--;
  window.fill(true, first, last + 1);
  if (first === last) return { errors, order: NaN, window, asymptotic: false };
  const logs = steps.slice(first, last + 1).map(Math.log), used = particleErrors.slice(first, last + 1);
  const settled = last < 2 || Math.abs(local(last - 1) - local(last - 2)) <= SETTLED;
  return {
    errors, window, order: -slope(logs, errors.slice(first, last + 1).map(Math.log)),
    asymptotic: settled && halfInterval(logs, used) <= DOUBT,
  };
}

// Half the 95 % interval of the slope, by bootstrap over particles.
function halfInterval(logs, particleErrors) {
  const random = mersenne(0), n = particleErrors[0].length;
  const slopes = Array.from({ length: RESAMPLES }, () => {
    const drawn = Array.from({ length: n }, () => random() % n);
    return slope(logs, particleErrors.map((errors) => Math.log(rms(drawn.map((p) => errors[p])))));
  }).sort((a, b) => a - b);
  return (slopes[Math.round(0.975 * (RESAMPLES - 1))] - slopes[Math.round(0.025 * (RESAMPLES - 1))]) / 2;
}

function slope(x, y) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length, mx = mean(x), my = mean(y);
  return x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}
