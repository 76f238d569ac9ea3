// The canvases: particles of a run at a node, over the data, its density and their tracks.

const WIDEST_VIEW = 3.3; // the plane is shown from -view to view, at most this; particles beyond sit on the border as squares
const EDGE = 6; // CSS pixels between that and the canvas's edge
const OFF = 0.1; // distance beyond which a particle counts as off the data
const COPY = 0.05; // and that within which it is a copy of one of its points
const TRACKS = 48, HAZE = 72, HAZE_SPREAD = 0.04, HAZE_LEVELS = 25;
const INKS = {
  light: { back: "#ffffff", curve: "#8e949b", mark: "#15181c", haze: [110, 144, 200] },
  dark: { back: "#14171c", curve: "#959ea9", mark: "#f2f4f6", haze: [74, 104, 160] },
};

const NARROW = 262, HEADS = [68, 47]; // below that width a head has three lines, else two: their heights, as in lab.css

// The largest squares, at most `most`, that `count` panels with heads can be in this room: [columns, size].
function bestGrid(count, width, height, gap, most) {
  let best = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    for (const [low, head] of [[0, HEADS[0]], [NARROW, HEADS[1]]]) {
      const size = Math.min(most, (width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows - head);
      if (size >= low && size > best[1]) best = [columns, size];
    }
  }
  return [best[0], Math.floor(best[1])];
}

function buildPanel() {
  const canvas = make("canvas", { role: "img" }), swatch = make("canvas", { className: "swatch", width: 60, height: 8, "aria-hidden": "true" });
  const span = (className) => make("span", { className });
  const parts = { canvas, swatch, name: make("b"), counts: span("counts"), score: span("score"), lost: span("lost") };
  parts.node = make("div", { className: "panel" },
    make("div", { className: "head" }, make("span", { className: "name" }, swatch, parts.name), parts.counts, parts.score, parts.lost), canvas);
  return parts;
}

// How far the view reaches at t: over all data and most noise, so that it closes in as the noise goes.
function viewAt(reach, schedule, t, zoom) {
  if (!zoom || t === 0) return zoom ? 1.15 * reach : WIDEST_VIEW;
  return Math.min(WIDEST_VIEW, Math.max(0.3, 1.15 * reach * rootAlphaBar(schedule, t)) + 3 * noiseStd(schedule, t));
}

// The largest coordinate of a geometry.
const reachOf = ({ points, centres, side, strokes }) => (points ?? strokes?.flat() ?? centres.map((value) => Math.abs(value) + side / 2)).reduce((most, value) => Math.max(most, Math.abs(value)), 0.5);

// Of a run's particles at a node, remembered with the run: mean distance, share off the data, share near a known point.
function scoresAt(run, node, particles, distances, known) {
  run.scores ??= [];
  return (run.scores[node] ??= measured(run.states.subarray(2 * particles * node, 2 * particles * (node + 1)), distances, known));
}

function measured(x, distances, known) {
  const found = distances(x);
  const far = found.map((value) => (Number.isNaN(value) ? Infinity : value));
  return { distance: far.reduce((sum, value) => sum + value, 0) / far.length, off: far.filter((value) => value > OFF).length / far.length, copies: known && distancesTo({ points: known })(x).filter((value) => value < COPY).length / far.length };
}

// Returns how many particles are off screen.
function drawPanel(canvas, size, { run, node, particles, style, theme, geometry, known, haze, tracks, view }) {
  const ratio = devicePixelRatio, ink = INKS[theme], ctx = canvas.getContext("2d");
  if (canvas.width !== Math.round(size * ratio)) {
    canvas.width = canvas.height = Math.round(size * ratio);
    canvas.style.width = canvas.style.height = `${size}px`;
  }
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  const unit = (size / 2 - EDGE) / view, clip = (value) => Math.min(view, Math.max(-view, Number.isNaN(value) ? view : value));
  const isOut = (x, y) => !(Math.abs(x) <= view && Math.abs(y) <= view);
  const px = (x) => size / 2 + x * unit, py = (y) => size / 2 - y * unit;
  ctx.fillStyle = ink.back;
  ctx.fillRect(0, 0, size, size);
  if (haze) ctx.drawImage(haze, px(-WIDEST_VIEW), py(WIDEST_VIEW), 2 * WIDEST_VIEW * unit, 2 * WIDEST_VIEW * unit);
  drawData(ctx, geometry, px, py, unit, ink);
  if (!run) return 0;
  const color = style[theme], states = run.states, at = 2 * particles * node;
  if (tracks) {
    ctx.strokeStyle = `${color}80`;
    ctx.lineWidth = 1;
    ctx.setLineDash(style.dash);
    ctx.beginPath();
    for (let p = 0; p < Math.min(TRACKS, particles); p++)
      for (let k = 0, out = true; k <= node; k++) {
        const j = 2 * (particles * k + p), wasOut = out;
        out = isOut(states[j], states[j + 1]);
        ctx[k === 0 || (out && wasOut) ? "moveTo" : "lineTo"](px(clip(states[j])), py(clip(states[j + 1]))); // nothing along the border
      }
    ctx.stroke();
    ctx.setLineDash([]);
  }
  const radius = Math.max(1.5, size / 160), lost = [];
  ctx.fillStyle = color;
  ctx.beginPath();
  for (let j = at; j < at + 2 * particles; j += 2) {
    if (isOut(states[j], states[j + 1])) { lost.push(j); continue; }
    const x = px(states[j]), y = py(states[j + 1]);
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
  if (known) drawCrosses(ctx, known, px, py, ink);
  ctx.fillStyle = ink.mark;
  for (const j of lost) ctx.fillRect(px(clip(states[j])) - 2, py(clip(states[j + 1])) - 2, 4, 4);
  return lost.length;
}

function drawData(ctx, { points, centres, side, strokes }, px, py, unit, ink) {
  ctx.strokeStyle = ink.curve;
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  for (let j = 0; j < (points?.length ?? 0); j += 2) {
    ctx.moveTo(px(points[j]) + 6, py(points[j + 1]));
    ctx.arc(px(points[j]), py(points[j + 1]), 6, 0, 2 * Math.PI);
  }
  for (let j = 0; j < (centres?.length ?? 0); j += 2) ctx.rect(px(centres[j] - side / 2), py(centres[j + 1] + side / 2), side * unit, side * unit);
  for (const stroke of strokes ?? [])
    for (let j = 0; j < stroke.length; j += 2) ctx[j ? "lineTo" : "moveTo"](px(stroke[j]), py(stroke[j + 1]));
  ctx.stroke();
}

function drawCrosses(ctx, points, px, py, ink) {
  ctx.strokeStyle = ink.mark;
  ctx.lineWidth = 1.8;
  ctx.beginPath();
  for (let j = 0; j < points.length; j += 2) {
    const x = px(points[j]), y = py(points[j + 1]);
    for (const side of [-4, 4]) {
      ctx.moveTo(x - 4, y - side);
      ctx.lineTo(x + 4, y + side);
    }
  }
  ctx.stroke();
}

// The density p_t as a picture, at the nearest of a few times that lie evenly in the root of t.
function hazeOf(cache, { points, spread, scheduleName }, t, theme) {
  const level = Math.round(Math.sqrt(t) * HAZE_LEVELS), key = `${level} ${theme}`;
  if (cache.has(key)) return cache.get(key);
  const at = (level / HAZE_LEVELS) ** 2, x = new Float64Array(2 * HAZE * HAZE);
  for (let i = 0; i < HAZE * HAZE; i++) {
    x[2 * i] = ((i % HAZE + 0.5) / HAZE * 2 - 1) * WIDEST_VIEW;
    x[2 * i + 1] = (1 - (Math.floor(i / HAZE) + 0.5) / HAZE * 2) * WIDEST_VIEW;
  }
  const log = logDensity(points, SCHEDULES[scheduleName], Math.max(spread, HAZE_SPREAD), x, Math.min(at, SCHEDULES[scheduleName].tMax));
  const peak = Math.max(...log), image = new ImageData(HAZE, HAZE);
  log.forEach((value, i) => image.data.set([...INKS[theme].haze, 190 * Math.exp((value - peak) / 2)], 4 * i));
  const canvas = make("canvas", { width: HAZE, height: HAZE });
  canvas.getContext("2d").putImageData(image, 0, 0);
  cache.set(key, canvas);
  return canvas;
}
