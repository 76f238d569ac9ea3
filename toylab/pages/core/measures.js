// Errors against the exact flow, the order that they show, and the Pareto front, as in toylab/analysis.
import { runMethod } from "./methods.js";
import { nodesOf } from "./schedules.js";

const ABOVE_FLOOR = 10, AGREE = 0.3;
const FINE = { kind: "Pair", gradient: "rk4", transfer: "pseudo", midpoint: "sigma", weights: "equispaced" };

// End points of the exact flow from x, and their estimated rms error: order 4 in log sigma, twice, extrapolated.
export function exactFlow(tables, schedule, x, eps, tStart, tEnd, steps) {
  const [coarse, fine] = [steps / 2, steps].map((count) =>
    runMethod(FINE, tables, schedule, nodesOf(schedule, count, tStart, tEnd, "logsnr"), x, eps).states[count]);
  const end = fine.map((value, i) => value + (value - coarse[i]) / 15);
  return { x: end, error: rmsDistance(end, fine) };
}

// Root mean square over particles of the distance between a and b [2 n].
export function rmsDistance(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] - b[i]) ** 2;
  return Math.sqrt(2 * total / a.length);
}

// Error below which float64 arithmetic rules, for states of the size of x.
export const roundOff = (x) => 16 * Number.EPSILON * rmsDistance(x, new Float64Array(x.length));

// The slope of log error against log(1 / steps) over the asymptotic window: { order, window: [bool] }, order NaN where
// fewer than two errors take part. The window is the longest run that ends at the last error above the floor and whose
// local orders agree.
export function fitOrder(steps, errors, floor) {
  const window = steps.map(() => false);
  let last = errors.length - 1;
  while (last >= 0 && !(errors[last] > ABOVE_FLOOR * floor && Number.isFinite(errors[last]))) last--;
  if (last < 0) return { order: NaN, window };
  const local = (i) => -Math.log(errors[i + 1] / errors[i]) / Math.log(steps[i + 1] / steps[i]);
  let first = last;
  while (first > 0 && Math.abs(local(first - 1) - local(last - 1)) <= AGREE) first--;
  window.fill(true, first, last + 1);
  return { order: first < last ? -slope(steps.slice(first, last + 1).map(Math.log), errors.slice(first, last + 1).map(Math.log)) : NaN, window };
}

function slope(x, y) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length, mx = mean(x), my = mean(y);
  return x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}
