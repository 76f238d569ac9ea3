// A trained network of points in the plane, as in toylab/epsilon/mlp.py, in float64: a few particles share each weight.
import { decay } from "./plane.js";
import { noiseStd, rootAlphaBar, sigmaAt } from "./schedules.js";

const LOG_SIGMA_SCALE = 5, SHARED = 4;

// eps(x [2 n], t) of a network: { hidden, layers, fourier, max_frequency, time_features, weights: its layers' matrices
// [outputs][inputs], each followed by its bias, as base64 of float16 }. Inside, a value of SHARED particles lies together.
export function networkEps(network, schedule) {
  const { hidden, layers, fourier, time_features: harmonics } = network, inputs = 3 + 2 * fourier + 2 * harmonics;
  const take = takerOf(fromHalves(network.weights)), waves = wavesOf(network);
  const first = take(inputs, hidden), blocks = Array.from({ length: layers - 1 }, () => take(hidden, hidden)), last = take(hidden, 2);
  const room = (width) => new Float64Array(SHARED * (width + width % 2));
  const features = room(inputs), h = room(hidden), next = room(hidden), v = room(2);
  return (x, t) => {
    const u = Math.min(1, Math.max(-1, Math.log(sigmaAt(schedule, t)) / LOG_SIGMA_SCALE)), scale = rootAlphaBar(schedule, t), noise = noiseStd(schedule, t);
    const out = new Float64Array(x.length), put = (i, value) => features.fill(value, SHARED * i, SHARED * (i + 1));
    put(2 + 2 * fourier, u);
    for (let k = 1; k <= harmonics; k++) {
      put(2 + 2 * fourier + k, Math.sin(u * k * Math.PI / 2));
      put(2 + 2 * fourier + harmonics + k, Math.cos(u * k * Math.PI / 2));
    }
    for (let at = 0; at < x.length; at += 2 * SHARED) {
      const count = Math.min(SHARED, (x.length - at) / 2);
      for (let p = 0; p < count; p++) {
        const a = features[p] = x[at + 2 * p], b = features[SHARED + p] = x[at + 2 * p + 1];
        for (let k = 0; k < fourier; k++) {
          const phase = a * waves[2 * k] + b * waves[2 * k + 1];
          features[SHARED * (2 + k) + p] = Math.sin(phase);
          features[SHARED * (2 + fourier + k) + p] = Math.cos(phase);
        }
      }
      dense(first, features, h);
      for (let i = 0; i < h.length; i++) h[i] = silu(h[i]);
      for (const block of blocks) {
        dense(block, h, next);
        for (let i = 0; i < h.length; i++) h[i] += silu(next[i]);
      }
      dense(last, h, v);
      for (let p = 0; p < count; p++)
        for (let k = 0; k < 2; k++) out[at + 2 * p + k] = noise * x[at + 2 * p + k] + scale * v[SHARED * k + p];
    }
    return out;
  };
}

function silu(value) {
  const far = decay(Math.abs(value));
  return value >= 0 ? value / (1 + far) : value * far / (1 + far);
}

// Takes layer after layer from all parameters, with an even number of outputs: a last one is 0.
function takerOf(values) {
  let at = 0;
  return (width, outputs) => {
    const even = outputs + outputs % 2, matrix = new Float64Array(width * even), bias = new Float64Array(even);
    matrix.set(values.subarray(at, (at += width * outputs)));
    bias.set(values.subarray(at, (at += outputs)));
    return { width, matrix, bias };
  };
}

// into = matrix from + bias; two outputs of SHARED particles at a time.
function dense({ width, matrix, bias }, from, into) {
  for (let o = 0; o < bias.length; o += 2) {
    const upper = o * width, lower = upper + width;
    let a = bias[o], b = a, c = a, d = a, e = bias[o + 1], f = e, g = e, h = e;
    for (let i = 0, j = 0; i < width; i++, j += SHARED) {
      const v = matrix[upper + i], w = matrix[lower + i], p = from[j], q = from[j + 1], r = from[j + 2], s = from[j + 3];
      a += v * p;
      b += v * q;
      c += v * r;
      d += v * s;
      e += w * p;
      f += w * q;
      g += w * r;
      h += w * s;
    }
    const at = SHARED * o;
    [into[at], into[at + 1], into[at + 2], into[at + 3], into[at + 4], into[at + 5], into[at + 6], into[at + 7]] = [a, b, c, d, e, f, g, h];
  }
}

// Plane waves of x, the directions a golden angle apart: [2 fourier].
function wavesOf({ fourier, max_frequency: highest }) {
  return Float64Array.from({ length: 2 * fourier }, (_, i) => {
    const k = i >> 1, angle = k * Math.PI * (3 - Math.sqrt(5)), length = 0.5 * (highest / 0.5) ** (k / (fourier - 1));
    return length * (i % 2 ? Math.sin(angle) : Math.cos(angle));
  });
}

// Float64Array of base64 of float16, little-endian.
export function fromHalves(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Float64Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8), exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    return bits & 0x8000 ? -size : size;
  });
}
