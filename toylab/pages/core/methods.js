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

const halfLogSnr = (schedule, t) => -Math.log(sigmaAt(schedule, t));

// Averages over [nodes[0], end] in lambda with the density exp(rate lambda).
function exponentialWeights(tables, nodes, end, rate) {
  const points = tables.gauss.nodes.map((node) => nodes[0] + (end - nodes[0]) * (1 + node) / 2);
  return averaged(nodes, points, points.map((point, i) => tables.gauss.weights[i] * Math.exp(rate * (point - end))));
}

// Averages over sigma, of the polynomial in t.
function sigmaWeights(tables, schedule, times, s) {
  const start = sigmaAt(schedule, times[0]), end = sigmaAt(schedule, s), parts = tables.gauss.nodes.map((node) => (1 + node) / 2);
  const sigmas = parts.map((part) => (end > 0 ? start * (end / start) ** part : start * part ** 2));
  const density = parts.map((part, i) => tables.gauss.weights[i] * (end > 0 ? sigmas[i] : part));
  return averaged(times, sigmas.map((sigma) => schedule.tOfSigma(sigma)), density);
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
  const gradient = tables.gradients[row.gradient], transfer = TRANSFERS[row.transfer];
  const owner = { t: TRANSFERS.classical, sigma: TRANSFERS.pseudo, own: transfer }[row.midpoint];
  const slope = (x, t) => slopeOf(transfer, schedule, x, eps(x, t), t);
  let past = []; // [t, slope], newest first
  for (let step = 0; step + 1 < times.length; step++) {
    const t = times[step], s = times[step + 1];
    let average;
    past = past.slice(0, (gradient.adams ?? 1) - 1);
    if (gradient.tableau && (gradient.adams === null || step < gradient.adams - 1)) {
      const { a, b, c } = gradient.tableau, slopes = [];
      c.forEach((part, i) => {
        const clock = () => owner.clock(schedule, t) + part * (owner.clock(schedule, s) - owner.clock(schedule, t));
        const u = part === 0 ? t : part === 1 ? s : owner.time(schedule, clock());
        const stage = i ? moved(transfer, schedule, x, combine(a[i].map((weight) => weight / part), slopes.slice(0, a[i].length)), t, u) : x;
        slopes.push(slope(stage, u));
      });
      average = combine(b, slopes);
      past.unshift([t, slopes[0]]);
    } else {
      past.unshift([t, slope(x, t)]);
      const end = transfer.clock(schedule, s);
      const weights = row.weights === "equispaced" ? tables.adams[past.length]
        : end === Infinity ? [1, 0, 0, 0].slice(0, past.length) : adamsWeights(past.map(([t]) => transfer.clock(schedule, t)), end);
      average = combine(weights, past.map(([, slope]) => slope));
    }
    x = moved(transfer, schedule, x, average, t, s);
    yield x;
  }
}

// One step of order 4 that needs no past: [the state at s, eps at t].
function fullOrderStep(tables, schedule, x, eps, t, s) {
  const starter = { gradient: "rk4", transfer: "pseudo", midpoint: "sigma", weights: "equispaced" };
  let first = null;
  const recorded = (x, t) => { const value = eps(x, t); first ??= value; return value; };
  const end = pair(starter, tables, schedule, [t, s], x, recorded).next().value;
  return [end, first];
}

function* multistep(row, tables, schedule, times, x, eps, transfer, used, weights) {
  let past = [];
  for (let step = 0; step + 1 < times.length; step++) {
    const t = times[step], s = times[step + 1];
    if (row.start === "full" && step < row.order - 1) {
      const [end, first] = fullOrderStep(tables, schedule, x, eps, t, s);
      past = [[t, slopeOf(transfer, schedule, x, first, t)], ...past];
      x = end;
    } else {
      past = [[t, slopeOf(transfer, schedule, x, eps(x, t), t)], ...past].slice(0, row.order);
      const now = past.slice(0, used(times.length - 1 - step, s));
      const shares = now.length === 1 ? [1] : weights(now.map(([t]) => t), s);
      x = moved(transfer, schedule, x, combine(shares, now.map(([, slope]) => slope)), t, s);
    }
    yield x;
  }
}

function deis(row, tables, schedule, times, x, eps) {
  const used = (left, s) => (s === 0 && row.clock === "logsnr" ? 1 : row.order);
  const clock = { sigma: sigmaAt, logsnr: halfLogSnr }[row.clock];
  const weights = (nodes, s) => (row.clock === "t" ? sigmaWeights(tables, schedule, nodes, s)
    : row.clock === "sigma" ? adamsWeights(nodes.map((t) => clock(schedule, t)), clock(schedule, s))
    : exponentialWeights(tables, nodes.map((t) => clock(schedule, t)), clock(schedule, s), -1));
  return multistep(row, tables, schedule, times, x, eps, TRANSFERS.pseudo, used, weights);
}

function dpmPlusPlus(row, tables, schedule, times, x, eps) {
  const used = (left, s) => (s === 0 || (left === 1 && row.final === "lower") ? 1 : row.order);
  const weights = (nodes, s) => {
    const lambdas = nodes.map((t) => halfLogSnr(schedule, t)), end = halfLogSnr(schedule, s);
    return row.solver_type === "midpoint" ? adamsWeights(lambdas, end) : exponentialWeights(tables, lambdas, end, 1);
  };
  return multistep(row, tables, schedule, times, x, eps, TRANSFERS.data, used, weights);
}

function* dpm(row, tables, schedule, times, x, eps) {
  const transfer = TRANSFERS.pseudo;
  const line = (first, latest, node, end) => combine(exponentialWeights(tables, [0, node], end, -1), [first, latest]);
  for (let step = 0; step + 1 < times.length; step++) {
    const t = times[step], s = times[step + 1], first = eps(x, t);
    let average = first;
    if (s > 0) {
      const start = halfLogSnr(schedule, t), length = halfLogSnr(schedule, s) - start;
      const inner = (slope, lambda) => {
        const u = schedule.tOfSigma(Math.exp(-lambda));
        return eps(moved(transfer, schedule, x, slope, t, u), u);
      };
      average = inner(first, start + length / row.order);
      if (row.order === 3) {
        const late = inner(line(first, average, length / 3, 2 * length / 3), start + 2 * length / 3);
        average = line(first, late, 2 * length / 3, length);
      }
    }
    x = moved(transfer, schedule, x, average, t, s);
    yield x;
  }
}

function* uniPc(row, tables, schedule, times, x, eps) {
  const transfer = TRANSFERS.data, count = times.length - 1;
  const slope = (x, t) => slopeOf(transfer, schedule, x, eps(x, t), t);
  const half = (nodes, end) => {
    const h = end - nodes[0], part = h / (nodes[1] - nodes[0]) / 2 * (row.variant === "bh2" ? 1 : h / -Math.expm1(-h));
    return [1 - part, part];
  };
  const go = (x, used, t, s) => {
    const nodes = used.map(([node]) => halfLogSnr(schedule, node)), end = halfLogSnr(schedule, s);
    const weights = used.length === 1 ? [1] : used.length === 2 ? half(nodes, end) : exponentialWeights(tables, nodes, end, 1);
    return moved(transfer, schedule, x, combine(weights, used.map(([, value]) => value)), t, s);
  };
  let past = [];
  for (let step = 0; step < count; step++) {
    const t = times[step], s = times[step + 1];
    if (row.start === "full" && step < row.order - 1) {
      const [end, first] = fullOrderStep(tables, schedule, x, eps, t, s);
      past = [[t, slopeOf(transfer, schedule, x, first, t)], ...past];
      x = end;
      yield x;
      continue;
    }
    if (past.length <= step) past = [[t, slope(x, t)], ...past]; // no corrector has evaluated here
    const order = s === 0 ? 1 : Math.min(row.order, row.final === "lower" ? count - step : row.order);
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
export const KINDS = { Pair: pair, DEIS: deis, DPMSolverPlusPlus: dpmPlusPlus, DPMSolver: dpm, UniPC: uniPc, EDMHeun: edmHeun };

// The states at all nodes and the evaluations made so far at each: { states: [Float64Array [2 n]], nfe: [int] }.
export function runMethod(row, tables, schedule, times, x, eps) {
  const states = [x], nfe = [0];
  let count = 0;
  const counted = (x, t) => { count++; return eps(x, t); };
  for (const state of KINDS[row.kind](row, tables, schedule, times, x, counted)) {
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
