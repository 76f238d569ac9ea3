// Methods: gradient part times transfer part, and the later ones, as in toylab/samplers. States are Float64Array [2 n].
// The numbers of `tables` (Runge-Kutta tableaus, Adams-Bashforth weights, Gauss nodes, rows) are Python's own.
import { noiseStd, rootAlphaBar, sigmaAt } from "./schedules.js";

// slope(schedule, t) = [p, q]: the slope is p x + q eps. move(schedule, t, s) = [a, b]: the state at s is a x + b slope.
// clock: the variable in which a constant slope moves the state along a straight line; time: its inverse.
export const TRANSFERS = {
  classical: {
    slope: (schedule, t) => [-schedule.beta(t) / 2, schedule.beta(t) / 2 / noiseStd(schedule, t)],
    move: (schedule, t, s) => [1, s - t],
    clock: (schedule, t) => t,
    time: (schedule, clock) => clock,
  },
  pseudo: {
    slope: () => [0, 1],
    move(schedule, t, s) {
      const scale = Math.exp((schedule.logAlphaBar(s) - schedule.logAlphaBar(t)) / 2);
      return [scale, noiseStd(schedule, s) - scale * noiseStd(schedule, t)];
    },
    clock: sigmaAt,
    time: (schedule, clock) => schedule.tOfSigma(clock),
  },
  data: {
    slope: (schedule, t) => [1 / rootAlphaBar(schedule, t), -noiseStd(schedule, t) / rootAlphaBar(schedule, t)],
    move(schedule, t, s) {
      const scale = noiseStd(schedule, s) / noiseStd(schedule, t);
      return [scale, rootAlphaBar(schedule, s) - scale * rootAlphaBar(schedule, t)];
    },
    clock: (schedule, t) => 1 / sigmaAt(schedule, t),
    time: (schedule, clock) => schedule.tOfSigma(1 / clock),
  },
  frozen: {
    slope: () => [0, 1],
    move(schedule, t, s) {
      const growth = Math.expm1((schedule.logAlphaBar(s) - schedule.logAlphaBar(t)) / 2);
      return [1 + growth, -growth / noiseStd(schedule, t)];
    },
    clock: rootAlphaBar,
    time: (schedule, clock) => schedule.tOfSigma(Math.sqrt(1 / clock ** 2 - 1)),
  },
};

// Sum of weights times arrays, leaving out those of weight 0.
function combine(weights, arrays) {
  const out = new Float64Array(arrays[0].length);
  arrays.forEach((array, i) => {
    const weight = weights[i];
    if (weight) for (let j = 0; j < out.length; j++) out[j] += weight * array[j];
  });
  return out;
}

const slopeOf = (transfer, schedule, x, eps, t) => (transfer.slope(schedule, t)[0] ? combine(transfer.slope(schedule, t), [x, eps]) : eps);
const moved = (transfer, schedule, x, slope, t, s) => combine(transfer.move(schedule, t, s), [x, slope]);

// ---- weights of slopes known at a few nodes, newest first -----------------------------------------------------

// Those of the polynomial through `nodes`, averaged over [nodes[0], end].
export function adamsWeights(nodes, end) {
  const u = nodes.map((node) => (node - nodes[0]) / (end - nodes[0]));
  return solve(u.map((_, power) => u.map((value) => value ** power)), u.map((_, power) => 1 / (power + 1)));
}

// Gaussian elimination with row exchanges.
function solve(matrix, right) {
  const rows = matrix.map((row, i) => [...row, right[i]]), size = rows.length;
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let j = i + 1; j < size; j++) if (Math.abs(rows[j][i]) > Math.abs(rows[pivot][i])) pivot = j;
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let j = i + 1; j < size; j++) {
      const factor = rows[j][i] / rows[i][i];
      for (let k = i; k <= size; k++) rows[j][k] -= factor * rows[i][k];
    }
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) rows[i][size] -= rows[i][k] * rows[k][size];
    rows[i][size] /= rows[i][i];
  }
  return rows.map((row) => row[size]);
}

const logSigma = { clock: (schedule, t) => Math.log(sigmaAt(schedule, t)), time: (schedule, clock) => schedule.tOfSigma(Math.exp(clock)) };
const clockOf = (name, transfer) => ({ t: TRANSFERS.classical, sigma: TRANSFERS.pseudo, logsnr: logSigma }[name] ?? transfer);

// Those of a weights part, for the slopes at `times` and a step from times[0] to s.
function weightsOf(name, tables, schedule, transfer, times, s) {
  const part = tables.weights[name];
  if (times.length === 1) return [1];
  if (part.polynomial === null) return tables.adams[times.length];
  const polynomial = clockOf(part.polynomial, transfer), over = clockOf(part.over, transfer);
  const nodes = times.map((t) => polynomial.clock(schedule, t));
  if (![polynomial, over].every((each) => Number.isFinite(each.clock(schedule, s)))) return times.map((_, i) => (i ? 0 : 1));
  if (polynomial === over) return adamsWeights(nodes, polynomial.clock(schedule, s));
  const start = over.clock(schedule, times[0]), end = over.clock(schedule, s);
  const parts = tables.gauss.nodes.map((node) => (1 + node) / 2);
  const even = start * end > 0; // in the logarithm of the clock, and in its root towards a reading of 0
  const points = parts.map((part) => (even ? start * (end / start) ** part : end === 0 ? start * part ** 2 : start + (end - start) * part));
  const density = parts.map((part, i) => tables.gauss.weights[i] * (even ? Math.abs(points[i]) : end === 0 ? part : 1));
  return averaged(nodes, points.map((point) => polynomial.clock(schedule, over.time(schedule, point))), density);
}

function averaged(nodes, points, density) {
  const total = density.reduce((sum, value) => sum + value, 0);
  return nodes.map((node, i) => points.reduce((sum, point, k) => {
    let factor = 1;
    nodes.forEach((other, j) => { if (j !== i) factor *= (point - other) / (node - other); });
    return sum + density[k] / total * factor;
  }, 0));
}

// ---- methods: generators of the state at every node after the first --------------------------------------------

function* pair(row, tables, schedule, times, x, eps) {
  const gradient = tables.gradients[row.gradient], transfer = TRANSFERS[row.transfer], count = times.length - 1;
  const full = gradient.adams > 1 && !gradient.tableau && row.start === "full";
  const tableau = full ? tables.gradients.rk4.tableau : gradient.tableau, midpoint = clockOf(full ? "own" : row.midpoint, transfer);
  const slope = (x, t) => slopeOf(transfer, schedule, x, eps(x, t), t);
  let past = []; // [t, slope], newest first
  for (let step = 0; step < count; step++) {
    const t = times[step], s = times[step + 1];
    let average;
    past = past.slice(0, (gradient.adams ?? 1) - 1);
    if (tableau && (gradient.adams === null || step < gradient.adams - 1)) {
      const slopes = rungeKutta(row, tables, schedule, transfer, tableau, midpoint, t, s, x, slope);
      average = slopes.average;
      past.unshift([t, slopes.first]);
    } else {
      past.unshift([t, slope(x, t)]);
      const used = past.slice(0, row.final === "lower" ? count - step : past.length);
      average = combine(weightsOf(row.weights, tables, schedule, transfer, used.map(([t]) => t), s), used.map(([, slope]) => slope));
    }
    x = moved(transfer, schedule, x, average, t, s);
    yield x;
  }
}

// The average slope of a step, and the slope at its beginning.
function rungeKutta(row, tables, schedule, transfer, tableau, midpoint, t, s, x, slope) {
  const { a, b, c, through } = tableau, inner = c.some((part) => part > 0 && part < 1);
  const first = slope(x, t), slopes = [first], nodes = [t];
  if (inner && !Number.isFinite(midpoint.clock(schedule, s))) return { average: first, first };
  const averaged = (weights, stage, end) => {
    if (!through.length || row.weights === "equispaced") return combine(weights, slopes.slice(0, weights.length));
    const used = through[stage];
    return combine(weightsOf(row.weights, tables, schedule, transfer, used.map((i) => nodes[i]), end), used.map((i) => slopes[i]));
  };
  for (let i = 1; i < c.length; i++) {
    const start = midpoint.clock(schedule, t);
    const u = c[i] === 1 ? s : midpoint.time(schedule, start + c[i] * (midpoint.clock(schedule, s) - start));
    slopes.push(slope(moved(transfer, schedule, x, averaged(a[i].map((weight) => weight / c[i]), i - 1, u), t, u), u));
    nodes.push(u);
  }
  return { average: averaged(b, c.length - 1, s), first };
}

function* uniPc(row, tables, schedule, times, x, eps) {
  const transfer = TRANSFERS.data, count = times.length - 1;
  const slope = (x, t) => slopeOf(transfer, schedule, x, eps(x, t), t);
  const half = (nodes, end) => {
    const h = nodes[0] - end, part = h / (nodes[0] - nodes[1]) / 2 * (row.variant === "bh2" ? 1 : h / -Math.expm1(-h));
    return [1 - part, part];
  };
  const go = (x, used, t, s) => {
    const times = used.map(([node]) => node), logs = times.map((node) => logSigma.clock(schedule, node));
    const weights = used.length === 2 ? half(logs, logSigma.clock(schedule, s)) : weightsOf("logsnr", tables, schedule, transfer, times, s);
    return moved(transfer, schedule, x, combine(weights, used.map(([, value]) => value)), t, s);
  };
  let past = [];
  for (let step = 0; step < count; step++) {
    const t = times[step], s = times[step + 1];
    if (row.start === "full" && step < row.slopes - 1) {
      const { average, first } = rungeKutta(row, tables, schedule, transfer, tables.gradients.rk4.tableau, transfer, t, s, x, slope);
      past = [[t, first], ...past];
      x = moved(transfer, schedule, x, average, t, s);
      yield x;
      continue;
    }
    if (past.length <= step) past = [[t, slope(x, t)], ...past]; // no corrector has evaluated here
    const order = s === 0 ? 1 : Math.min(row.slopes, row.final === "lower" ? count - step : row.slopes);
    const used = past.slice(0, order), predicted = go(x, used, t, s);
    if (step < count - 1) {
      const arrived = [s, slope(predicted, s)];
      past = [arrived, ...past];
      x = go(x, [...used, arrived], t, s);
    } else x = predicted;
    yield x;
  }
}

function* edmHeun(row, tables, schedule, times, x, eps) {
  for (let step = 0; step + 1 < times.length; step++) {
    const t = times[step], s = times[step + 1];
    let slope = eps(x, t);
    if (s > 0) slope = combine([0.5, 0.5], [slope, eps(moved(TRANSFERS.pseudo, schedule, x, slope, t, s), s)]);
    x = moved(TRANSFERS.pseudo, schedule, x, slope, t, s);
    yield x;
  }
}

// Python's class of a row -> what runs it
export const KINDS = { Pair: pair, DPMSolverPlusPlus: pair, UniPC: uniPc, EDMHeun: edmHeun };

// Node by node, the state and the evaluations made so far: [Float64Array [2 n], int].
export function* walk(row, tables, schedule, times, x, eps) {
  let count = 0;
  yield [x, count];
  const counted = (x, t) => { count++; return eps(x, t); };
  for (const state of KINDS[row.kind](row, tables, schedule, times, x, counted)) yield [state, count];
}

// The same at all nodes: { states, nfe }.
export function runMethod(row, tables, schedule, times, x, eps) {
  const states = [], nfe = [];
  for (const [state, count] of walk(row, tables, schedule, times, x, eps)) {
    states.push(state);
    nfe.push(count);
  }
  return { states, nfe };
}

// Evaluations of `steps` steps, counted in a run without particles.
export function evaluationsOf(row, tables, schedule, steps, tStart, tEnd) {
  const times = Float64Array.from({ length: steps + 1 }, (_, i) => tStart + (tEnd - tStart) * i / steps);
  return runMethod(row, tables, schedule, times, new Float64Array(0), (x) => x).nfe[steps];
}

// The most steps whose evaluations are within the budget; 0 where one step is too many.
export function stepsWithin(row, tables, schedule, budget, tStart, tEnd) {
  let low = 0, high = budget + 1;
  while (low < high - 1) {
    const middle = (low + high) >> 1;
    if (evaluationsOf(row, tables, schedule, middle, tStart, tEnd) <= budget) low = middle;
    else high = middle;
  }
  return low;
}
