// The trajectory player: canvas panels and native inputs. All arrays are here, in the browser;
// the model (a kernel's, or the stub of a static page) holds only the state of the controls.
// parts.js and panels.js stand before this.

const INSIDE = 32766, OUTSIDE = 32767; // int16 of the window's edge, and of a particle beyond it
const PAD = 7; // CSS pixels between the window's edge and the canvas's, where lost particles sit
const REACH = 24; // CSS pixels within which a click finds a particle
const INKS = {
  light: { back: "#ffffff", curve: "#9499a0", mark: "#15181c", alert: "#a02020", arrow: "#5b636e", haze: [120, 150, 200] },
  dark: { back: "#14171c", curve: "#8b939e", mark: "#f2f4f6", alert: "#ff9a8f", arrow: "#a9b2bd", haze: [70, 98, 150] },
};
const FEW = 8; // tracks that stand out from the rest
const HINT = "Click a particle to follow it, shift-click to follow several.";
const FADED = "59"; // alpha of particles that others are drawn upon
const COLOUR_HINT = "Press C to change the colours.";
const STATE = ["step_index", "progress", "equal_nfe", "selected", "show_density", "show_field", "show_unlikely", "theme"];

// ---- data: what the state says each panel shows ------------------------------------------------

function nearest(times, t) {
  let best = 0;
  times.forEach((time, k) => { if (Math.abs(time - t) < Math.abs(times[best] - t)) best = k; });
  return best;
}

// Equal steps: all panels share N. Equal NFE: each has its own N, the time slider walks the nodes of
// the largest, and every other panel waits at the last node it has reached.
function resolve(data, model) {
  const equal = model.get("equal_nfe"), choices = equal ? data.budgets : data.steps;
  const choice = Math.min(model.get("step_index"), choices.length - 1);
  const runs = data.panels.map((panel) => (equal ? panel.within[choice] : choice));
  const finest = Math.max(...runs), nodes = data.steps[finest];
  const node = Math.round(model.get("progress") * nodes), t = data.arrays[`times_${finest}`][node];
  const places = runs.map((run) => (run < 0 ? -1 : run === finest ? node : reached(data.arrays[`times_${run}`], t)));
  const view = viewOf(data, runs, places), edge = viewEdge(data.window, view);
  const views = runs.map((run, i) => {
    const panel = data.panels[i], k = places[i];
    if (run < 0) return { panel, run, least: Math.min(...panel.nfe), t };
    const times = data.arrays[`times_${run}`], states = data.arrays[`states_${i}_${run}`];
    let lost = 0;
    for (let p = 0, at = 2 * k * data.particles; p < data.particles; p++, at += 2) lost += beyond(states, at, edge);
    return {
      panel, run, k, states, lost, ...unlikelyOf(data, model, i, run, k), t: times[k], steps: data.steps[run], nfe: panel.nfe[run],
      distance: data.arrays[`distance_${i}_${run}`][k], off: data.arrays[`off_${i}_${run}`][k],
    };
  });
  return { equal, choice, choices, nodes, node, t, view, edge, views };
}

// Which particles are unlikely, and their share; both null where that is not known, or not to be shown.
function unlikelyOf(data, model, i, run, k) {
  if (!data.unlikely || !model.get("show_unlikely")) return { unlikely: null, unlikelyShare: null };
  const bits = data.arrays[`unlikely_${i}_${run}`], first = k * data.particles;
  const unlikely = (p) => (bits[(first + p) >> 3] >> ((first + p) & 7)) & 1;
  let count = 0;
  for (let p = 0; p < data.particles; p++) count += unlikely(p);
  return { unlikely, unlikelyShare: count / data.particles };
}

const isOut = (states, at) => Math.abs(states[at]) === OUTSIDE || Math.abs(states[at + 1]) === OUTSIDE;

// ---- words -------------------------------------------------------------------------------------

function share(value) {
  if (!Number.isFinite(value)) return "–";
  const percent = 100 * value;
  return `${percent > 0 && percent < 1 ? "<1" : percent > 99 && percent < 100 ? ">99" : percent.toFixed(0)} %`;
}

function spoken({ panel, run, least, ...view }, particles) {
  if (run < 0) return `${panel.title}: its smallest run takes ${evaluations(least)}, more than the budget`;
  const cost = view.nfe ? `, ${steps(view.steps)}, ${evaluations(view.nfe)}` : "";
  return `${panel.title}${cost}, ${clock(view.t)}: mean distance to the data manifold ${number(view.distance)}, ` +
    `${share(view.off)} of ${particles} particles off it, ${view.lost} off screen` +
    `${view.unlikely ? `, ${share(view.unlikelyShare)} unlikely` : ""}. Arrow keys choose a particle.`;
}

// ---- drawing -----------------------------------------------------------------------------------

// Pixels of int16 coordinates, and of plain ones, in a view of the square [-view, view]^2. A particle beyond it is
// drawn on its border, in its own direction.
function scales(size, window, view) {
  const half = size / 2, plain = (half - PAD) / view, unit = plain * window / INSIDE, edge = viewEdge(window, view);
  const onto = (states, at) => Math.max(1, Math.abs(states[at]) / edge, Math.abs(states[at + 1]) / edge);
  return {
    x: (states, at) => half + states[at] * unit, y: (states, at) => half - states[at + 1] * unit,
    borderX: (states, at) => half + states[at] * unit / onto(states, at), borderY: (states, at) => half - states[at + 1] * unit / onto(states, at),
    u: (x) => half + x * plain, v: (y) => half - y * plain,
  };
}

const viewEdge = (window, view) => (view < window ? (INSIDE * view) / window : INSIDE);
const beyond = (states, at, edge) => Math.abs(states[at]) > edge || Math.abs(states[at + 1]) > edge;

// Half the side of the square shown: the data, and where the particles of the calmest method are.
function viewOf(data, runs, nodes) {
  const reach = runs.flatMap((run, i) => (run < 0 ? [] : [data.arrays[`reach_${i}_${run}`][nodes[i]]]));
  return Math.min(data.window, Math.max(data.fit, Math.min(...reach)));
}

function drawCurve(ctx, curve, to, ink) {
  const few = curve.length < 100, radius = few ? 6 : 1.3;
  ctx.fillStyle = ctx.strokeStyle = ink.curve;
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  for (let at = 0; at < curve.length; at += 2) {
    const x = to.u(curve[at]), y = to.v(curve[at + 1]);
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  few ? ctx.stroke() : ctx.fill();
}

function hazeOf(data, k, ink) {
  const size = data.density.size, image = new ImageData(size, size), first = k * size * size;
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const at = 4 * ((size - 1 - row) * size + column);
      [image.data[at], image.data[at + 1], image.data[at + 2]] = ink.haze;
      image.data[at + 3] = 0.75 * data.arrays.density[first + row * size + column];
    }
  const canvas = make("canvas", { width: size, height: size });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function drawTracks(ctx, view, particles, selected, to, color) {
  const few = selected.length <= FEW;
  ctx.strokeStyle = ctx.fillStyle = few ? color : color + (view.unlikely ? "40" : "8c");
  ctx.lineWidth = few ? 2 : 1;
  ctx.setLineDash(view.panel.dash);
  ctx.beginPath();
  for (const p of selected) {
    let out = false;
    for (let k = 0; k <= view.k; k++) {
      const at = 2 * (k * particles + p), wasOut = out;
      out = isOut(view.states, at);
      const draw = k === 0 || (out && wasOut) ? "moveTo" : "lineTo"; // nothing along the border
      ctx[draw](to.x(view.states, at), to.y(view.states, at));
    }
  }
  ctx.stroke();
  ctx.setLineDash([]);
  if (few) dots(ctx, to, view.states, selected.flatMap((p) => nodesOf(p, view.k, particles)), 3);
}

const nodesOf = (p, last, particles) => Array.from({ length: last + 1 }, (_, k) => 2 * (k * particles + p));

function dots(ctx, to, states, places, radius) {
  ctx.beginPath();
  for (const at of places) {
    const x = to.x(states, at), y = to.y(states, at);
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

function squares(ctx, to, states, places) {
  for (const at of places) ctx.fillRect(to.borderX(states, at) - 2.5, to.borderY(states, at) - 2.5, 5, 5);
}

function drawParticles(ctx, view, particles, to, size, color, ink, edge, pale) {
  const here = [], lost = [], bad = [], badLost = [];
  for (let p = 0, at = 2 * view.k * particles; p < particles; p++, at += 2)
    (beyond(view.states, at, edge) ? (view.unlikely?.(p) ? badLost : lost) : view.unlikely?.(p) ? bad : here).push(at);
  const radius = Math.max(1.8, size / 150);
  ctx.fillStyle = view.unlikely || pale ? color + FADED : color;
  dots(ctx, to, view.states, here, radius);
  ctx.fillStyle = ink.mark;
  squares(ctx, to, view.states, lost);
  ctx.fillStyle = pale ? ink.alert + FADED : ink.alert;
  dots(ctx, to, view.states, bad, radius + 0.6);
  squares(ctx, to, view.states, badLost);
}

// Rings around the particles that are followed.
function drawRings(ctx, view, particles, selected, to, ink) {
  ctx.strokeStyle = ink.mark;
  ctx.lineWidth = 2;
  for (const p of selected) {
    const at = 2 * (view.k * particles + p);
    ctx.beginPath();
    ctx.arc(to.borderX(view.states, at), to.borderY(view.states, at), 6, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

function drawField(ctx, data, i, t, to, ink) {
  const { size, extent } = data.panels[i].field, vectors = data.arrays[`field_${i}_vectors`];
  const k = nearest(data.arrays[`field_${i}_times`], t), cell = (2 * extent) / (size - 1);
  ctx.strokeStyle = ctx.fillStyle = ink.arrow;
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const at = 2 * ((k * size + row) * size + column), x = column * cell - extent, y = row * cell - extent;
      const x1 = to.u(x), y1 = to.v(y), x2 = to.u(x + cell * vectors[at]), y2 = to.v(y + cell * vectors[at + 1]);
      const dx = (x2 - x1) / 4, dy = (y2 - y1) / 4;
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
      ctx.moveTo(x2 - dx - dy / 1.6, y2 - dy + dx / 1.6);
      ctx.lineTo(x2, y2);
      ctx.lineTo(x2 - dx + dy / 1.6, y2 - dy - dx / 1.6);
    }
  ctx.stroke();
}

// ---- the page around it ------------------------------------------------------------------------

function buildPanel(panel, i, choose) {
  const swatch = make("canvas", { className: "swatch", width: 60, height: 8, "aria-hidden": "true" });
  const parts = { swatch, counts: make("span", { className: "counts" }), distance: make("span"), aside: make("span"),
    time: make("span", { className: "time" }), lost: make("span", { className: "lost" }), name: make("b", { textContent: panel.title }) };
  parts.canvas = make("canvas", { tabIndex: 0, role: "img", onclick: (event) => choose.at(event, i), onkeydown: choose.by });
  parts.score = make("div", { className: "score" }, parts.distance, parts.aside);
  parts.missing = make("div", { className: "missing", hidden: true });
  parts.node = make("div", { className: "panel" },
    make("div", { className: "head" }, make("span", { className: "name" }, swatch, parts.name),
      parts.counts, parts.score, parts.time, parts.lost),
    make("div", { className: "stage" }, parts.canvas, parts.missing));
  return parts;
}

function buildCheck(type, label, onchange) {
  const input = make("input", { type, onchange: () => onchange(input.checked) });
  return { input, row: make("label", { className: "check" }, input, label) };
}

// Two radio buttons, the second of which means "on".
function buildEither(label, off, on, onchange) {
  const boxes = [off, on].map((text, i) => buildCheck("radio", text, () => onchange(i === 1)));
  const name = `toylab-${Math.random().toString(36).slice(2)}`;
  boxes.forEach(({ input }) => { input.name = name; });
  const row = make("span", { className: "modes", role: "radiogroup", "aria-label": label }, label, ...boxes.map((box) => box.row));
  return { row, show: (isOn) => boxes.forEach(({ input }, i) => { input.checked = (i === 1) === isOn; }) };
}

function buildControls(model, play) {
  const step = buildSlider("Steps", (value) => put(model, { step_index: value }));
  const time = buildSlider("Time", (value) => { play.stop(); put(model, { progress: value / Number(time.range.max) }); });
  const button = make("button", { type: "button", className: "play", onclick: play.toggle });
  const modes = buildEither("Compare at", "equal steps", "equal NFE", (on) => put(model, { equal_nfe: on }));
  const colours = buildEither("Colour", "by method", "unlikely", (on) => put(model, { show_unlikely: on }));
  const density = buildCheck("checkbox", "density", (on) => put(model, { show_density: on }));
  const field = buildCheck("checkbox", "field", (on) => put(model, { show_field: on }));
  const clear = make("button", { type: "button", textContent: "clear tracks", onclick: () => put(model, { selected: [] }) });
  const usual = make("button", { type: "button" });
  const choices = Object.entries(model.get("choices")).map(([label, names]) => buildChoice(model, label, names));
  const node = make("div", { className: "controls" }, step.row,
    make("div", { className: "timing" }, time.row, button),
    make("div", { className: "switches" }, modes.row, colours.row, density.row, field.row, make("span", {}, clear, " ", usual), ...choices.map((choice) => choice.row)));
  return { node, step, time, button, modes, colours, density, field, usual, choices };
}

function updateControls(controls, data, model, shown, alive) {
  const { equal, choice, choices, nodes, node, t } = shown;
  const what = choices[choice], busy = !alive || model.get("status") !== "";
  write(controls.step.name, equal ? "Budget" : "Steps");
  setSlider(controls.step, choices.length - 1, choice, equal ? evaluations(what) : steps(what));
  controls.step.row.hidden = choices.length < 2;
  setSlider(controls.time, nodes, node, `${clock(t)}, node ${node} of ${nodes}`, `${clock(t)}, node ${node}/${nodes}`);
  controls.modes.show(equal);
  controls.modes.row.hidden = data.panels.length < 2 || data.steps.length < 2;
  controls.colours.show(model.get("show_unlikely"));
  controls.colours.row.hidden = !data.unlikely;
  controls.density.input.checked = model.get("show_density");
  controls.density.row.hidden = !data.density;
  controls.field.input.checked = model.get("show_field");
  controls.field.row.hidden = !data.panels.some((panel) => panel.field);
  write(controls.usual, `${data.tracks} tracks`);
  controls.usual.hidden = data.tracks === 0;
  controls.usual.onclick = () => put(model, { selected: Array.from({ length: data.tracks }, (_, p) => p) });
  for (const choice of controls.choices) showChoice(choice, model.get("chosen")[choice.label], busy);
}

function render({ model, el }) {
  let data, panels, shown, size = 0, laid = "", theme = "", alive = true;
  const backdrop = make("canvas");
  const hazes = new Map();
  const play = player(model, () => resolve(data, model), () => redraw.schedule());
  const controls = buildControls(model, play);
  const heading = make("div", { className: "heading" }), grid = make("div", { className: "panels" });
  const caption = make("p", { className: "caption" });
  const status = make("div", { className: "status", role: "status" }), error = make("div", { className: "error", role: "alert" });
  const root = make("div", { className: "toylab-view toylab-player" });
  const lecture = buildLecture(model, root, {
    shown: () => shown, data: () => data, play, redraw: () => redraw.schedule(),
    panels: () => panels.filter(({ node }) => !node.hidden).map(({ canvas, name, counts, score }) => ({ canvases: [canvas], lines: [name, counts, score].map((part) => part.textContent) })),
    words: () => [data.heading, ...panels.map(({ canvas }) => canvas.getAttribute("aria-label").replace(" Arrow keys choose a particle.", ""))].join("\n"),
  });
  root.prepend(make("div", { className: "top" }, heading, status, lecture.node), controls.node, error, grid, caption);
  el.append(root);
  root.addEventListener("keydown", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey) && event.target.tagName !== "SELECT";
    if (plain && event.key.toLowerCase() === "c" && data.unlikely) put(model, { show_unlikely: !model.get("show_unlikely") });
  });

  const choose = {
    at(event, i) {
      const view = shown.views[i], box = event.currentTarget.getBoundingClientRect(), to = scales(size, data.window, shown.view);
      if (view.run < 0) return;
      let best = -1, least = REACH;
      for (let p = 0; p < data.particles; p++) {
        const at = 2 * (view.k * data.particles + p);
        const away = Math.hypot(to.borderX(view.states, at) - event.clientX + box.left, to.borderY(view.states, at) - event.clientY + box.top);
        if (away < least) [best, least] = [p, away];
      }
      if (best < 0) return;
      const old = event.shiftKey ? model.get("selected") : [];
      put(model, { selected: old.includes(best) ? old.filter((p) => p !== best) : [...old, best] });
    },
    by(event) {
      const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      const old = model.get("selected"), from = old.length === 1 ? old[0] : move > 0 ? -1 : 0;
      put(model, { selected: [(from + move + data.particles) % data.particles] });
    },
  };

  function load() {
    data = unpack(model.get("scene"));
    panels = data.panels.map((panel, i) => buildPanel(panel, i, choose));
    grid.replaceChildren(...panels.map((panel) => panel.node));
    write(heading, data.heading);
    laid = ""; // lay out again
  }

  function layout() {
    const chosen = model.get("theme"), ink = chosen === "auto" ? pageTheme() : chosen;
    lecture.mark(panels.map(({ node }) => node), controls.node);
    const now = [grid.clientWidth, visibleHeight(root), devicePixelRatio, ink, root.dataset.unlikely, ...Object.values(lecture.on)].join();
    if (now === laid) return;
    [laid, theme] = [now, ink];
    root.dataset.theme = theme;
    const lay = lecture.on.stage ? lecture.arrange : (...given) => arrange(root, ...given);
    ({ size } = lay(grid, panels.length, (columns, side) => {
      frame(grid, columns, side);
      panels.forEach(({ node, canvas }, i) => {
        node.style.order = place(i, data.panels, columns);
        canvas.style.width = canvas.style.height = `${side}px`;
      });
      return side;
    }));
    panels.forEach((panel, i) => { panel.ctx = fit(panel.canvas, size, devicePixelRatio); drawSwatch(panel.swatch, data.panels[i], theme); });
    backdrop.view = 0;
    hazes.clear();
  }

  function curveIn(view) {
    if (backdrop.view !== view) drawCurve(fit(backdrop, size, devicePixelRatio), data.arrays.curve, scales(size, data.window, view), INKS[theme]);
    backdrop.view = view;
    return backdrop;
  }

  function haze(t) {
    const k = nearest(data.arrays.density_times, t);
    if (!hazes.has(k)) hazes.set(k, hazeOf(data, k, INKS[theme]));
    return hazes.get(k);
  }

  function drawPanel({ ctx }, view, i) {
    const ink = INKS[theme], to = scales(size, data.window, shown.view), color = view.panel.color[theme];
    const selected = model.get("selected").filter((p) => p < data.particles);
    ctx.fillStyle = ink.back;
    ctx.fillRect(0, 0, size, size);
    if (data.density && model.get("show_density")) {
      const edge = data.density.extent * data.density.size / (data.density.size - 1), left = to.u(-edge), top = to.v(edge);
      ctx.drawImage(haze(view.t), left, top, to.u(edge) - left, to.v(-edge) - top);
    }
    ctx.drawImage(curveIn(shown.view), 0, 0, size, size);
    if (view.panel.field && model.get("show_field")) drawField(ctx, data, i, view.t, to, ink);
    if (view.run >= 0) {
      const followed = selected.length > 0 && selected.length <= FEW;
      if (!followed) drawTracks(ctx, view, data.particles, selected, to, color);
      drawParticles(ctx, view, data.particles, to, size, color, ink, shown.edge, followed);
      if (followed) {
        drawTracks(ctx, view, data.particles, selected, to, color);
        drawRings(ctx, view, data.particles, selected, to, ink);
      }
    }
  }

  function writeHead(parts, view) {
    const then = lecture.on.stage ? "\n" : ", "; // lines on stage
    parts.canvas.setAttribute("aria-label", spoken(view, data.particles));
    parts.missing.hidden = view.run >= 0;
    write(parts.missing, view.run < 0 ? `its smallest run: NFE ${view.least}` : "");
    write(parts.counts, view.run < 0 ? `N = –${then}NFE –` : view.nfe ? `N = ${view.steps}${then}NFE ${view.nfe}` : "");
    write(parts.distance, `distance ${view.run < 0 ? "–" : number(view.distance)}${then}`);
    write(parts.aside, view.run < 0 ? "off –" : view.unlikely ? `unlikely ${share(view.unlikelyShare)}` : `off ${share(view.off)}`);
    write(parts.time, view.run < 0 ? "" : clock(view.t));
    write(parts.lost, view.run >= 0 && view.lost ? `${view.lost} ${lecture.on.stage ? "" : `of ${data.particles} `}off screen` : "");
  }

  function draw() {
    shown = resolve(data, model);
    updateControls(controls, data, model, shown, alive);
    write(controls.button, play.label());
    sayState(model, alive, status, error);
    shown.views.forEach((view, i) => writeHead(panels[i], view));
    root.dataset.clock = shown.equal ? "each" : "one";
    root.dataset.unlikely = Boolean(data.unlikely && model.get("show_unlikely"));
    layout();
    shown.views.forEach((view, i) => drawPanel(panels[i], view, i));
    const mode = controls.modes.row.hidden ? "" : shown.equal ? data.modes.equal_nfe : data.modes.equal_steps;
    const colours = model.get("show_unlikely") ? data.unlikely : "", hint = data.unlikely ? `${HINT} ${COLOUR_HINT}` : HINT;
    write(caption, [data.caption, colours, mode, hint].filter(Boolean).join(" "));
  }

  const unwatch = watchKernel(model, (known) => { alive = known; redraw.schedule(); });
  const redraw = redrawing(model, root, [...STATE, ...WORDS], load, draw);
  return () => {
    play.stop();
    lecture.stop();
    unwatch();
    redraw.stop();
  };
}
