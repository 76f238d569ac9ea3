// Sets in the plane: exact epsilon, start noise, distances, points spread evenly, as in toylab/epsilon/exact.py,
// toylab/samplers/noise.py and toylab/datasets.
import { noiseStd, rootAlphaBar } from "./schedules.js";

const NEGLIGIBLE = 40; // exp(-40) times any number of points that a page has is below the last digit
const PER_UNIT = 64, POWERS = Float64Array.from({ length: PER_UNIT * NEGLIGIBLE }, (_, k) => Math.exp(-(k + 0.5) / PER_UNIT));

// The exponential of -away, from 0 on, at twice the speed of Math.exp; 0 where it is negligible.
export function decay(away) {
  if (!(away < NEGLIGIBLE)) return 0;
  const k = away * PER_UNIT | 0, r = (k + 0.5) / PER_UNIT - away;
  return POWERS[k] * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r / 120)))));
}

// eps(x [2 n], t) of `points` [2 k], each spread by a Gaussian of that std.
export function exactEps(points, schedule, spread) {
  const count = points.length / 2, squares = new Float64Array(count);
  return (x, t) => {
    const logAlphaBar = schedule.logAlphaBar(t), scale = Math.exp(logAlphaBar / 2), noise = noiseStd(schedule, t);
    const variance = Math.exp(logAlphaBar) * spread ** 2 - Math.expm1(logAlphaBar), precision = scale ** 2 / (2 * variance);
    const out = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += 2) {
      const u = x[at] / scale, v = x[at + 1] / scale;
      let least = Infinity;
      for (let i = 0, j = 0; i < count; i++, j += 2) {
        const square = (u - points[j]) ** 2 + (v - points[j + 1]) ** 2;
        squares[i] = square;
        if (square < least) least = square;
      }
      let total = 0, meanX = 0, meanY = 0;
      for (let i = 0, j = 0; i < count; i++, j += 2) {
        const away = (squares[i] - least) * precision;
        if (away >= NEGLIGIBLE) continue;
        const weight = decay(away);
        total += weight;
        meanX += weight * points[j];
        meanY += weight * points[j + 1];
      }
      out[at] = noise / variance * (x[at] - scale * (meanX / total));
      out[at + 1] = noise / variance * (x[at + 1] - scale * (meanY / total));
    }
    return out;
  };
}

// log p_t at x [2 n]: Float64Array [n].
export function logDensity(points, schedule, spread, x, t) {
  const count = points.length / 2, logAlphaBar = schedule.logAlphaBar(t), scale = rootAlphaBar(schedule, t);
  const variance = Math.exp(logAlphaBar) * spread ** 2 - Math.expm1(logAlphaBar), precision = scale ** 2 / (2 * variance);
  const squares = new Float64Array(count), norm = Math.log(count) + Math.log(2 * Math.PI * variance);
  return Float64Array.from({ length: x.length / 2 }, (_, p) => {
    const u = x[2 * p] / scale, v = x[2 * p + 1] / scale;
    let least = Infinity, total = 0;
    for (let i = 0, j = 0; i < count; i++, j += 2) {
      squares[i] = (u - points[j]) ** 2 + (v - points[j + 1]) ** 2;
      if (squares[i] < least) least = squares[i];
    }
    const limit = least + NEGLIGIBLE / precision;
    for (let i = 0; i < count; i++) if (squares[i] <= limit) total += Math.exp((least - squares[i]) * precision);
    return Math.log(total) - least * precision - norm;
  });
}

// ---- start noise: the numbers of torch.randn(n, 2, dtype=float64) from a generator with this seed ----------------

export function startNoise(n, seed) {
  const random = mersenne(seed), uniform = () => {
    const high = random() & 0x1fffff, low = random();
    return (high * 4294967296 + low) / 9007199254740992;
  };
  const out = new Float64Array(2 * n);
  const gauss = (from) => { // sixteen uniform numbers into normal ones
    for (let j = from; j < from + 8; j++) {
      const radius = Math.sqrt(-2 * Math.log(1 - out[j])), angle = 2 * Math.PI * out[j + 8];
      [out[j], out[j + 8]] = [radius * Math.cos(angle), radius * Math.sin(angle)];
    }
  };
  for (let i = 0; i < out.length; i++) out[i] = uniform();
  for (let i = 0; i + 16 <= out.length; i += 16) gauss(i);
  if (out.length % 16) {
    const last = out.length - 16;
    for (let i = last; i < out.length; i++) out[i] = uniform();
    gauss(last);
  }
  return out;
}

// Mersenne Twister (Matsumoto and Nishimura 1998): numbers of 32 bits.
export function mersenne(seed) {
  const state = new Uint32Array(624);
  state[0] = seed >>> 0;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let next = 624;
  return () => {
    if (next === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

// ---- geometry: { points: [2 k] }, { centres: [2 k], side } or { strokes: [[2 (2 k + 1)]] } -----------------------
// A stroke's points lie evenly along it; its points 0, 1, 2, then 2, 3, 4 and so on are on circular arcs.

export function distancesTo(geometry) {
  if (geometry.points) return (x) => eachOf(x, (u, v) => leastOf(geometry.points, (px, py) => Math.hypot(u - px, v - py)));
  if (geometry.centres) {
    const outside = (away) => Math.max(Math.abs(away) - geometry.side / 2, 0);
    return (x) => eachOf(x, (u, v) => leastOf(geometry.centres, (px, py) => Math.hypot(outside(u - px), outside(v - py))));
  }
  const groups = geometry.strokes.flatMap(groupsOf), far = new Float64Array(groups.length);
  return (x) => eachOf(x, (u, v) => toGroups(groups, far, u, v));
}

function eachOf(x, distance) {
  const out = new Float64Array(x.length / 2);
  for (let i = 0; i < out.length; i++) {
    const u = x[2 * i], v = x[2 * i + 1];
    out[i] = Number.isNaN(u) || Number.isNaN(v) ? NaN : Number.isFinite(u) && Number.isFinite(v) ? distance(u, v) : Infinity;
  }
  return out;
}

function leastOf(points, distance) {
  let least = Infinity;
  for (let j = 0; j < points.length; j += 2) least = Math.min(least, distance(points[j], points[j + 1]));
  return least;
}

// The arcs of a stroke, sixteen by sixteen, each group with a circle around it.
function groupsOf(stroke) {
  const arcs = [];
  for (let j = 0; j + 5 < stroke.length; j += 4) arcs.push(arcOf(stroke.slice(j, j + 6)));
  const groups = [];
  for (let i = 0; i < arcs.length; i += 16) {
    const members = arcs.slice(i, i + 16), centre = members[members.length >> 1];
    const reach = Math.max(...members.map((arc) => Math.hypot(arc.x - centre.x, arc.y - centre.y) + arc.reach));
    groups.push({ x: centre.x, y: centre.y, reach, members });
  }
  return groups;
}

// The arc through three points: its middle, its tangent there, half its chord, how far its ends lie off that tangent.
function arcOf([x0, y0, x, y, x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0), tx = (x1 - x0) / length, ty = (y1 - y0) / length, half = length / 2;
  const sagitta = ((y0 + y1) / 2 - y) * tx - ((x0 + x1) / 2 - x) * ty;
  const curvature = 2 * sagitta / (half ** 2 + sagitta ** 2);
  return { x, y, tx, ty, half, sagitta, curvature, reach: 1.001 * Math.max(Math.hypot(x - x0, y - y0), Math.hypot(x - x1, y - y1)) };
}

function toGroups(groups, far, u, v) {
  let nearest = 0;
  for (let i = 0; i < groups.length; i++) {
    far[i] = Math.hypot(u - groups[i].x, v - groups[i].y) - groups[i].reach;
    if (far[i] < far[nearest]) nearest = i;
  }
  let best = toArcs(groups[nearest].members, u, v);
  for (let i = 0; i < groups.length; i++)
    if (i !== nearest && far[i] < best) best = Math.min(best, toArcs(groups[i].members, u, v));
  return best;
}

function toArcs(arcs, u, v) {
  let best = Infinity;
  for (const arc of arcs) {
    const dx = u - arc.x, dy = v - arc.y, along = Math.abs(dx * arc.tx + dy * arc.ty), across = dy * arc.tx - dx * arc.ty;
    let distance;
    if (along * (1 - arc.curvature * arc.sagitta) <= arc.half * (1 - arc.curvature * across)) {
      const gap = arc.curvature * (along ** 2 + across ** 2) - 2 * across;
      distance = Math.abs(gap) / (1 + Math.sqrt(Math.max(1 + arc.curvature * gap, 0)));
    } else distance = Math.hypot(along - arc.half, across - arc.sagitta);
    if (distance < best) best = distance;
  }
  return best;
}

// `n` points spread evenly over the set: Float64Array [2 n].
export function evenPoints(geometry, n) {
  if (geometry.points) return Float64Array.from({ length: 2 * n }, (_, i) => geometry.points[i % geometry.points.length]);
  if (geometry.centres) {
    const shares = split(n, Array(geometry.centres.length / 2).fill(1));
    return Float64Array.from(shares.flatMap((count, i) => inSquare(count).map((value, j) => geometry.centres[2 * i + j % 2] + geometry.side * value)));
  }
  const lengths = geometry.strokes.map(lengthOf), shares = split(n, lengths);
  return Float64Array.from(geometry.strokes.flatMap((stroke, i) => Array.from({ length: shares[i] }, (_, k) => pointAt(stroke, (k + 0.5) / shares[i])).flat()));
}

// `n` split into integers in proportion to `weights` (largest remainders).
function split(n, weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0), exact = weights.map((weight) => n * weight / total);
  const counts = exact.map(Math.floor), order = counts.map((_, i) => i).sort((i, j) => counts[i] - exact[i] - (counts[j] - exact[j]));
  const missing = n - counts.reduce((sum, count) => sum + count, 0);
  for (const i of order.slice(0, missing)) counts[i]++;
  return counts;
}

function inSquare(n) {
  const columns = Math.max(1, Math.round(Math.sqrt(n))), rows = split(n, Array(columns).fill(1));
  return rows.flatMap((count, i) => Array.from({ length: count }, (_, k) => [(i + 0.5) / columns - 0.5, (k + 0.5) / count - 0.5]).flat());
}

export function lengthOf(stroke) {
  let length = 0;
  for (let j = 2; j < stroke.length; j += 2) length += Math.hypot(stroke[j] - stroke[j - 2], stroke[j + 1] - stroke[j - 1]);
  return length;
}

// The point at this part of a stroke's length, on the arc there.
function pointAt(stroke, part) {
  const arcs = (stroke.length / 2 - 1) / 2, i = Math.min(arcs - 1, Math.floor(part * arcs)), u = 2 * (part * arcs - i) - 1;
  const arc = arcOf(stroke.slice(4 * i, 4 * i + 6));
  const angle = 2 * Math.atan2(arc.sagitta, arc.half) * u, straight = Math.abs(arc.curvature) < 1e-12;
  const along = straight ? arc.half * u : Math.sin(angle) / arc.curvature;
  const across = straight ? 0 : 2 * Math.sin(angle / 2) ** 2 / arc.curvature;
  return [arc.x + along * arc.tx - across * arc.ty, arc.y + along * arc.ty + across * arc.tx];
}
