// The live lab: controls, panels and figures of one state. Workers compute; this draws what they have.

const DENSE = 1000; // points of the data in the exact epsilon that a network is judged by
const FEW_POINTS = 100; // so many can be told apart
const REMEMBERED = 64 << 20; // bytes of finished runs that are kept, so that the way back is quick
const GAP = 12, FIGURE = 200; // the least height of a figure with its title

const tables = JSON.parse(document.getElementById("tables").textContent);
for (const set of Object.values(tables.sets))
  if (typeof set.strokes === "string") set.strokes = unpacked(set.strokes, set.counts);

function unpacked(text, counts) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), values = new Float32Array(bytes.buffer);
  let at = 0;
  return counts.map((count) => [...values.subarray(at, (at += 2 * count))]);
}

// ---- workers -----------------------------------------------------------------------------------

const code = document.getElementById("worker").dataset.file // a page's own file, or the page's own text
  ?? URL.createObjectURL(new Blob(["core", "worker"].map((id) => document.getElementById(id).textContent), { type: "text/javascript" }));
const core = Object.fromEntries(["gauss", "adams", "gradients", "weights", "networks"].map((name) => [name, tables[name]]));

// `ask(request, got)` calls got(answer) for each answer to the newest request.
function buildWorker() {
  const worker = new Worker(code);
  let id = 0, answer = null;
  worker.postMessage({ tables: core });
  worker.onerror = (event) => fail(`The browser stopped computing (${event.message})`);
  worker.onmessage = ({ data }) => { if (data.id === id) answer(data); };
  return (request, got) => { answer = got; worker.postMessage({ ...request, id: ++id }); };
}

const asks = { runs: buildTeam(Math.min(4, navigator.hardwareConcurrency || 1)), figures: buildWorker() };

// Workers that share the particles of a run; got(answer) once all have answered.
function buildTeam(size) {
  const team = Array.from({ length: size }, buildWorker);
  return (request, got) => {
    const parts = [];
    let failed = false;
    team.forEach((ask, worker) => ask({ ...request, share: [worker, size] }, (found) => {
      if (failed) return;
      if (found.error) { failed = true; return got(found); }
      const stage = (parts[found.part] ??= []);
      stage[worker] = found;
      if (Object.keys(stage).length === size) got({ ...found, runs: together(parts.flat()) });
    }));
  };
}

// Runs of parts of the particles as runs of all, their states by node: Float32Array [nodes * 2 n].
function together(parts) {
  return parts[0].runs.map((run, i) => {
    if (!run) return null;
    const blocks = parts.map(({ runs }) => runs[i].states), nodes = run.times.length, states = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (let node = 0; node < nodes; node++)
      for (const block of blocks) {
        const size = block.length / nodes;
        states.set(block.subarray(node * size, (node + 1) * size), at);
        at += size;
      }
    return { ...run, states };
  });
}

// ---- state -------------------------------------------------------------------------------------

const properties = propertiesOf(tables, innerWidth >= 900);
let state, notes, strokes = [], geometry, distances, points, few, dense, shown = { runs: [], particles: 0 }, figures = {}, timer = 0;
let problemKey = "", runsKey = "", figuresKey = "", figuresTimer = 0, addressTimer = 0, busy = false;
const remembered = new Map(), hazes = new Map(), styles = new Map();

function load() { take(readState(properties, location.hash)); }

function take(found) {
  ({ state, notes } = found);
  if (state.stage && !location.hash.includes("hide=")) state.hide = "controls";
  strokes = state.data === "draw" ? readDrawing(state.drawing) : strokes;
  if (state.data === "draw" && !geometryOf(strokes)) {
    notes.push(`The address has no drawing: ${properties.data.usual} instead.`);
    state.data = properties.data.usual;
  }
  update();
}

function set(changes) {
  Object.assign(state, changes);
  notes = [];
  update();
  keepAddress();
}

function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, "", `#${writeState(properties, state)}`), 200); // browsers allow few a second
}

const methods = () => toldApart(state.methods.map((token) => methodCalled(tables, token)));

// As Python's `told_apart`: a look that an earlier method has keeps its hue and dash, which have a meaning, and gets a marker
// that is free among its hue and a deeper shade.
function toldApart(found) {
  const used = (light) => new Set(found.filter((method) => method.style.light === light).map((method) => method.style.marker)), markers = {}, known = {};
  return found.map((method) => {
    const { light, dark, dash, marker } = method.style, look = `${light} ${dash}`, again = known[look] ?? 0;
    known[look] = again + 1;
    if (!again) return method;
    const taken = (markers[light] ??= used(light)), free = tables.markers.find((name) => !taken.has(name)) ?? marker;
    taken.add(free);
    const key = `${look} ${again} ${free}`;
    if (!styles.has(key)) styles.set(key, { ...method.style, light: deeper(light, again, INKS.light.mark), dark: deeper(dark, again, INKS.dark.mark), marker: free }); // one object a look, so that panels know it again
    return { ...method, style: styles.get(key) };
  });
}

function deeper(color, times, ink) {
  const part = 1 - (1 - tables.deeper) ** times, channel = (text, i) => parseInt(text.slice(i, i + 2), 16);
  return `#${[1, 3, 5].map((i) => Math.round((1 - part) * channel(color, i) + part * channel(ink, i)).toString(16).padStart(2, "0")).join("")}`;
}

const problem = () => ({ schedule: state.schedule, spacing: state.spacing, tEnd: state.t_end, spread: state.spread, seed: state.seed, n: state.n, points, ...(state.eps === "network" && { network: networkName(), dense }) });

// Of the data and the schedule; there is one if tables.networks has it.
const networkName = () => `${state.data} ${state.schedule}`, hasNetwork = () => Object.hasOwn(tables.networks, networkName());

// A network is of one data set and one schedule, and knows no spread.
function checkEpsilon() {
  if (state.eps !== "network") return;
  if (!hasNetwork()) {
    notes.push(`This page has no network of ${tables.sets[state.data]?.title ?? "your drawing"} with the ${state.schedule} schedule: the exact epsilon instead.`);
    state.eps = "exact";
  } else if (state.spread) {
    notes.push("Spread belongs to the exact epsilon: 0 with a network.");
    state.spread = 0;
  }
}

function update() {
  checkEpsilon();
  const key = JSON.stringify([state.data, state.data === "draw" && state.drawing, state.schedule, state.eps, state.points, state.spacing, state.t_end, state.spread]);
  if (key !== problemKey) {
    problemKey = key;
    hazes.clear();
    geometry = state.data === "draw" ? geometryOf(strokes) : tables.sets[state.data];
    distances = distancesTo(geometry);
    points = evenPoints(geometry, state.points);
    few = state.eps === "exact" && state.points <= FEW_POINTS ? points : null;
    dense = state.eps === "network" ? evenPoints(geometry, DENSE) : null;
  }
  if (state.view === "all") compute(key);
  if (state.figures || state.view !== "all") measure(key);
  schedule();
}

// ---- computing ---------------------------------------------------------------------------------

function stepsOf({ row }) {
  if (state.compare === "steps") return state.steps;
  return stepsWithin(row, core, SCHEDULES[state.schedule], state.nfe, SCHEDULES[state.schedule].tMax, state.t_end);
}

function compute(key) {
  const asked = methods().map((method) => ({ row: method.row, steps: stepsOf(method) }));
  const wanted = JSON.stringify([key, state.seed, state.n, asked]);
  if (wanted === runsKey) return;
  runsKey = wanted;
  const again = remembered.get(wanted);
  if (again) {
    remembered.delete(wanted); // and to the end of the line of what is forgotten
    remembered.set(wanted, again);
    return show(again);
  }
  busy = true;
  const of = state.methods.join(), measure = distances, data = geometry, known = few;
  asks.runs({ kind: "runs", problem: problem(), methods: asked }, (found) => {
    if (found.error) return fail(found.error);
    const result = { ...found, of, asked, distances: measure, geometry: data, known };
    if (found.done) remember(wanted, result);
    show(result);
  });
}

function show(result) {
  shown = result;
  busy = !result.done;
  schedule();
}

function fail(message) {
  busy = false;
  notes.push(`${message}: choose other settings.`);
  schedule();
}

function remember(key, result) {
  remembered.set(key, result);
  const bytes = ({ runs }) => runs.reduce((sum, run) => sum + (run?.states.byteLength ?? 0), 0);
  let total = [...remembered.values()].reduce((sum, each) => sum + bytes(each), 0);
  for (const [old, each] of remembered) {
    if (total <= REMEMBERED || old === key) break;
    total -= bytes(each);
    remembered.delete(old);
  }
}

const MEASURES = { all: ["order", "work"], order: ["order"], work: ["work"], clocks: ["clocks"] }; // by view, one after the other

// Once the state has rested a little.
function measure(key) {
  const asked = methods(), wanted = JSON.stringify([key, state.seed, state.methods, state.view]);
  if (wanted === figuresKey) return;
  figuresKey = wanted;
  figures.stale = true;
  clearTimeout(figuresTimer);
  figuresTimer = setTimeout(() => {
    const got = (kind, next) => (found) => {
      if (found.error) { figures[kind] = { failed: found.error }; return schedule(), next?.(); }
      figures[kind] = { ...found, methods: asked };
      schedule();
      if (found.done) next?.();
    };
    const ask = (kind, next) => asks.figures({ kind, problem: { ...problem(), geometry }, methods: asked }, got(kind, next));
    const one = ([kind, ...rest]) => ask(kind, () => { if (rest.length) return one(rest); figures.stale = false; schedule(); });
    one(MEASURES[state.view]);
  }, 250);
}

// ---- the page ----------------------------------------------------------------------------------

const select = (options, onchange, properties = {}) => {
  const node = make("select", { onchange: () => onchange(node.value), ...properties });
  node.append(...options.map(([value, textContent]) => make("option", { value, textContent })));
  return node;
};
const field = (label, ...nodes) => make("label", { className: "field" }, make("span", { textContent: label }), ...nodes);
const numberInput = (name, whole, more = {}) => {
  const node = make("input", { type: "number", step: whole ? 1 : "any", onchange: () => {
    const found = [], value = properties[name].read(node.value, name, found);
    set({ [name]: value });
    notes = found;
  }, ...more });
  return node;
};
const check = (label, name) => {
  const input = make("input", { type: "checkbox", onchange: () => set({ [name]: input.checked }) });
  return { input, row: make("label", { className: "check" }, input, label) };
};

const board = buildDrawing((drawn, count) => {
  strokes = drawn;
  const kept = drawn.reduce((sum, stroke) => sum + stroke.length, 0);
  set({ data: "draw", drawing: writeDrawing(drawn) });
  if (count > MOST_POINTS) notes = [`${count} pen positions drawn, ${kept} kept.`];
});
const ui = {
  data: select([...Object.entries(tables.sets).map(([name, set]) => [name, set.title]), ["draw", "Your drawing"]],
    (name) => (name === "draw" && !geometryOf(strokes) ? (board.open([]), update()) : set(name === "draw" ? { data: name, drawing: writeDrawing(strokes) } : { data: name }))),
  schedule: select(tables.schedules.map((name) => [name, name]), (schedule) => set({ schedule })),
  eps: select([["exact", "exact"], ["network", "trained network"]], (eps) => set({ eps })),
  spacing: select(tables.spacings.map((name) => [name, name]), (spacing) => set({ spacing })),
  t_end: numberInput("t_end", false), spread: numberInput("spread", false, { step: 0.01 }),
  seed: numberInput("seed", true), n: numberInput("n", true), points: numberInput("points", true),
  density: check("density", "density"), tracks: check("tracks", "tracks"), zoom: check("zoom", "zoom"), figures: check("figures", "figures"), trade: check("against error", "trade"),
  theme: select(["auto", "light", "dark"].map((name) => [name, name]), (theme) => set({ theme })),
  methods: make("div", { className: "methods" }),
  add: make("button", { type: "button", textContent: "Add a method", onclick: addMethod }),
  step: buildSlider("Steps", (value) => set(state.compare === "steps" ? { steps: value } : { nfe: value })),
  time: buildSlider("Time", (value) => { stop(); goTo(value); }),
  play: make("button", { type: "button", className: "play", onclick: toggle }),
  compare: buildRadio("Compare at", { steps: "equal steps", nfe: "equal NFE" }, (compare) => set({ compare })),
  panels: make("div", { className: "panels" }),
  status: make("p", { className: "status", role: "status" }),
  heard: make("p", { className: "heard", role: "status" }),
  lecture: make("button", { type: "button", textContent: "Lecture", title: "Lecture mode: large type, all by keys", onclick: () => { toStage(true); ui.title.focus(); } }),
  link: make("button", { type: "button", textContent: "Copy link", onclick: copyLink }),
  save: make("button", { type: "button", textContent: "Save picture", onclick: savePicture }),
  title: make("h1", { className: "title", tabIndex: -1 }),
  controls: make("button", { type: "button", textContent: "Controls", onclick: () => set({ hide: state.hide === "controls" ? "nothing" : "controls" }) }),
  order: buildFigure("Order: error against steps"), work: buildFigure("Work: error against evaluations"),
  clocks: buildFigure("Clocks: error against steps, by spacing"),
};
ui.side = make("aside", { id: "controls", "aria-label": "Controls" },
  make("fieldset", {}, make("legend", { textContent: "Problem" }),
    make("div", { className: "data" }, field("Data", ui.data), make("button", { type: "button", textContent: "Draw", onclick: () => board.open(strokes) })),
    field("Schedule", ui.schedule), field("Epsilon", ui.eps), field("Spacing", ui.spacing),
    make("div", { className: "pair" }, field("t_end", ui.t_end), field("Spread", ui.spread)),
    make("div", { className: "pair" }, field("Seed", ui.seed), field("Particles", ui.n), field("Points", ui.points))),
  make("fieldset", {}, make("legend", { textContent: "Methods" }), ui.methods, ui.add),
  make("fieldset", {}, make("legend", { textContent: "Show" }),
    make("div", { className: "shows" }, ui.tracks.row, ui.density.row, ui.zoom.row, ui.figures.row, field("Theme", ui.theme))),
  make("div", { className: "row" }, ui.link, ui.save));
ui.controls.setAttribute("aria-controls", "controls");
ui.eps.parentElement.hidden = !Object.keys(tables.networks).length;
ui.work.head.append(ui.trade.row);
ui.measured = make("div", { className: "figures" }, ui.order.node, ui.work.node, ui.clocks.node);
ui.run = make("div", { className: "run" }, ui.step.row, ui.compare.row, ui.time.row, ui.play);
ui.main = make("main", {}, ui.title, ui.run, ui.status, ui.panels, ui.measured, ui.heard);
const toStage = (on) => set({ stage: on, scene: on ? state.scene : 0, only: 0, predict: false, hide: on ? "controls" : properties.hide.usual });
const stage = buildStage({
  scenes: JSON.parse(document.getElementById("scenes").textContent), state: () => state, set, toggle, leave: () => toStage(false),
  step: (by) => { const name = state.compare === "steps" ? "steps" : "nfe"; set({ [name]: Math.min(Number(ui.step.range.max), Math.max(1, state[name] + by)) }); },
  time: (by) => { if (finest()) { stop(); goTo(Math.min(finest().steps, Math.max(0, nodeShown() + by))); } },
  theme: () => set({ theme: root.dataset.theme === "dark" ? "light" : "dark" }),
  open(link, scene) {
    stop();
    const { hide } = state, found = readState(properties, link), kept = link.includes("theme=") ? {} : { theme: state.theme };
    Object.assign(found.state, kept, { stage: true, scene });
    take(found);
    state.hide = hide;
    keepAddress();
  },
  say: (words) => { notes = [words]; schedule(); },
});
const root = make("div", { className: "toylab-view toylab-live" },
  make("header", {}, make("h1", { textContent: "toylab: live lab" }),
    make("p", { className: "about", textContent: "How numerical methods sample a diffusion model, computed in this browser." }), make("span", { className: "row" }, ui.lecture, ui.controls)), make("div", { className: "columns" }, ui.side, ui.main), board.dialog, stage.help, stage.black);
document.getElementById("lab").replaceWith(root);

function copyLink() {
  copy(`${location.href.split("#")[0]}#${writeState(properties, state)}`, (words) => { notes = [words]; schedule(); }, "The link is copied.");
}

function savePicture() {
  const title = `${tables.sets[state.data]?.title ?? "Your drawing"}, ${state.schedule} schedule, ${state.eps === "network" ? "trained network" : "exact epsilon"}`;
  const shown = panels.map(({ canvas, name, counts, score }) => ({ canvases: [canvas], lines: [name, counts, score].map((part) => part.textContent) }));
  download(pictureOf(shown, INKS[root.dataset.theme], title), `toylab-${state.data}.png`);
}

const PAPERS = Object.keys(tables.methods).indexOf("iPNDM"); // Python lists the paper's methods first
const OPTION_GROUPS = { "Of the paper": (i) => i < PAPERS, "Later": (i) => i >= PAPERS };

function methodMenu(i) {
  const node = make("select", { "aria-label": `Method ${i + 1}`, onchange: () => changeMethod(i, node.value === "parts" ? partsOf(i).join("+") : node.value) });
  for (const [label, belongs] of Object.entries(OPTION_GROUPS))
    node.append(make("optgroup", { label }, ...Object.keys(tables.methods).filter((_, i) => belongs(i)).map((name) => make("option", { value: name, textContent: name }))));
  node.append(make("option", { value: "parts", textContent: "by parts …" }));
  return node;
}

const partsOf = (i) => { const { row } = methodCalled(tables, state.methods[i]); return row.kind === "Pair" ? [row.gradient, row.transfer, `midpoint-${row.midpoint}`, `weights-${row.weights}`] : ["euler", "pseudo"]; };

function changeMethod(i, token) {
  set({ methods: state.methods.map((old, k) => (k === i ? methodCalled(tables, token).token : old)) });
}

function addMethod() {
  const next = [...["PLMS", "S-PNDM", "Heun", "AB4", "PRK", "DDIM"], ...Object.keys(tables.methods)].find((name) => !state.methods.includes(name));
  set({ methods: [...state.methods, next] });
  buildSlots();
  ui.methods.children[state.methods.length - 1].querySelector("select").focus();
}

let slots = [];

function buildSlots() {
  if (slots.length === state.methods.length) return;
  slots = state.methods.map((_, i) => {
    const choice = (label, options) => select(options.map((name) => [name, name]), () => changeMethod(i, `${parts.gradient.value}+${parts.transfer.value}+midpoint-${parts.midpoint.value}+weights-${parts.weights.value}`), { "aria-label": `${label} of method ${i + 1}` });
    const parts = { gradient: choice("Gradient", Object.keys(tables.gradients)), transfer: choice("Transfer", tables.transfers), midpoint: choice("Midpoints", tables.midpoints), weights: choice("Weights", Object.keys(tables.weights)) };
    const swatch = make("canvas", { className: "swatch", width: 60, height: 8, "aria-hidden": "true" }), menu = methodMenu(i);
    const remove = make("button", { type: "button", className: "remove", textContent: "×", "aria-label": `Remove method ${i + 1}`, onclick: () => { set({ methods: state.methods.filter((_, k) => k !== i) }); ui.add.focus(); } });
    const inner = make("div", { className: "parts" }, ...Object.values(parts));
    return { parts, swatch, menu, remove, inner, node: make("div", { className: "slot" }, swatch, menu, remove, inner) };
  });
  ui.methods.replaceChildren(...slots.map((slot) => slot.node));
}

function updateControls(theme) {
  for (const name of ["data", "schedule", "eps", "spacing", "t_end", "spread", "seed", "n", "points", "theme"]) if (document.activeElement !== ui[name] || ui[name].tagName === "SELECT") ui[name].value = state[name];
  for (const name of ["density", "tracks", "zoom", "figures", "trade"]) ui[name].input.checked = state[name];
  write(ui.work.heading, state.trade ? "Work: distance against error" : "Work: error against evaluations");
  ui.work.node.setAttribute("aria-label", ui.work.heading.textContent);
  ui.eps.options[1].disabled = !hasNetwork();
  ui.spread.disabled = ui.points.disabled = state.eps === "network";
  buildSlots();
  methods().forEach((method, i) => {
    const { parts, swatch, menu, remove, inner } = slots[i], named = Object.hasOwn(tables.methods, method.token);
    menu.value = named ? method.token : "parts";
    inner.hidden = named;
    remove.hidden = state.methods.length === 1;
    drawSwatch(swatch, { color: method.style, dash: method.style.dash }, theme);
    if (named) return;
    for (const [part, node] of Object.entries(parts)) node.value = method.row[part];
    parts.midpoint.hidden = !hasMidpoints(tables, method.row.gradient);
    parts.weights.hidden = !hasWeights(tables, method.row.gradient);
  });
  ui.add.hidden = state.methods.length === (state.view === "clocks" ? 1 : MOST_METHODS);
  const equal = state.compare === "steps", value = equal ? state.steps : state.nfe;
  write(ui.step.name, equal ? "Steps" : "Budget");
  ui.step.range.min = 1;
  setSlider(ui.step, Math.max(100, value), value, equal ? steps(value) : evaluations(value), equal ? `N = ${value}` : `NFE ≤ ${value}`);
  ui.compare.show(state.compare);
  const hidden = state.hide === "controls";
  ui.side.hidden = hidden;
  ui.controls.setAttribute("aria-expanded", String(!hidden));
}

// ---- time --------------------------------------------------------------------------------------

const finest = () => shown.runs.reduce((most, run) => (run && (!most || run.steps > most.steps) ? run : most), null);

function nodeShown() {
  const run = finest();
  let best = 0;
  run.times.forEach((t, k) => { if (Math.abs(t - state.t) < Math.abs(run.times[best] - state.t)) best = k; });
  return best;
}

const goTo = (node) => { const { times, steps: last } = finest(); set({ t: node === last ? 0 : Number(times[node].toPrecision(4)) }); };

function stop() { clearInterval(timer); timer = 0; schedule(); }

function toggle() {
  if (timer) return stop();
  if (!finest()) return;
  if (isStill()) return goTo((nodeShown() + 1) % (finest().steps + 1));
  if (nodeShown() === finest().steps) goTo(0);
  timer = setInterval(() => {
    const next = nodeShown() + 1;
    if (next <= finest().steps) goTo(next);
    if (next >= finest().steps) stop();
  }, Math.min(400, Math.max(40, 4000 / finest().steps)));
  schedule();
}

// ---- drawing, at most once a refresh of the screen -----------------------------------------------

let queued = 0, panels = [];
function schedule() { queued ||= requestAnimationFrame(() => { queued = 0; draw(); }); }

function layout(count) {
  if (panels.length !== count) {
    panels = Array.from({ length: count }, buildPanel);
    ui.panels.replaceChildren(...panels.map((panel) => panel.node));
  }
  const width = ui.panels.clientWidth;
  if (state.stage) return stageLayout(count, width);
  const wide = innerWidth >= 900;
  const room = innerHeight - ui.panels.getBoundingClientRect().top - scrollY - (state.figures ? FIGURE + 64 : 12);
  const [columns, size] = wide ? bestGrid(count, width, Math.max(room, 190), GAP, 620)
    : bestGrid(count, width, Infinity, GAP, width < 520 ? width : 330);
  const narrow = !wide && width < 520 && count > 1 ? [2, Math.floor((width - GAP) / 2)] : [columns, size];
  ui.panels.style.gridTemplateColumns = `repeat(${narrow[0]}, ${narrow[1]}px)`;
  return narrow[1];
}

// On stage the type grows with the screen, for the back row; figures take the lower part of it.
function stageLayout(count, width) {
  const type = typeOnStage(), top = ui.panels.getBoundingClientRect().top + scrollY;
  root.style.setProperty("--type", `${type}px`);
  const [columns, size] = stageGrid(count, width, (innerHeight - top) * (state.figures && !state.predict ? 0.5 : 1) - 12, GAP, 8 * type);
  root.style.setProperty("--words", `${Math.min(type, size / 7.2)}px`); // six lines beside a square
  ui.panels.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  return size;
}

function draw() {
  const theme = state.theme === "auto" ? pageTheme() : state.theme;
  root.dataset.theme = document.documentElement.dataset.theme = theme;
  updateControls(theme);
  const all = methods(), places = all.map((_, i) => i).filter((i) => !state.only || i === Math.min(state.only, all.length) - 1);
  root.classList.toggle("stage", state.stage);
  const named = state.stage && stage.title();
  write(ui.title, state.stage ? named || document.title : "");
  ui.title.classList.toggle("heard", !named);
  root.dataset.view = state.view;
  const alone = state.view !== "all"; // a measurement, without particles
  ui.run.hidden = state.view === "order" || (state.stage && state.hide === "controls");
  for (const node of [ui.panels, ui.compare.row, ui.time.row, ui.play, ui.save, ui.n.parentElement, ...["density", "tracks", "zoom", "figures"].map((name) => ui[name].row)]) node.hidden = alone;
  const list = places.map((i) => all[i]), best = finest(), current = shown.of === state.methods.join();
  const size = layout(list.length);
  const node = best ? nodeShown() : 0, t = best ? best.times[node] : 1;
  if (best) setSlider(ui.time, best.steps, node, `${clock(t)}, node ${node} of ${best.steps}`, `${clock(t)}, node ${node}/${best.steps}`);
  write(ui.play, saysPlay(timer));
  const reach = viewAt(reachOf(shown.geometry ?? geometry), SCHEDULES[state.schedule], state.predict ? SCHEDULES[state.schedule].tMax : t, state.zoom);
  const haze = state.density ? hazeOf(hazes, { points, spread: state.spread, scheduleName: state.schedule }, t, theme) : null;
  const said = list.map((method, k) => {
    const i = places[k], run = current ? shown.runs[i] : null, at = run && (state.predict ? 0 : run === best ? node : reached(run.times, t));
    const panel = panels[k], view = { run, node: at, particles: shown.particles, style: method.style, theme, geometry: shown.geometry ?? geometry, known: shown.known, haze, tracks: state.tracks, view: reach };
    const looks = [size, devicePixelRatio, ...Object.values(view)];
    if (!panel.looks?.every((value, k) => value === looks[k])) panel.out = drawPanel(panel.canvas, size, view); // a picture that stays costs nothing
    panel.looks = looks;
    const lost = panel.out;
    drawSwatch(panel.swatch, { color: method.style, dash: method.style.dash }, theme);
    write(panel.name, method.label);
    panel.name.title = method.label;
    const then = state.stage ? "\n" : ", "; // lines on stage
    const score = run && scoresAt(run, at, shown.particles, shown.distances, shown.known);
    const share = score && (shown.known ? `copies ${percent(score.copies)}` : `off ${percent(score.off)}`);
    write(panel.counts, run ? `N = ${run.steps}${then}NFE ${run.nfe[run.steps]}` : current && shown.asked?.[i]?.steps === 0 ? "needs more NFE" : "…");
    write(panel.score, state.predict ? `What do${state.stage ? "\n" : " "}you expect?` : run ? `distance ${number(score.distance)}${then}${share}` : "");
    write(panel.lost, lost ? `${lost} out` : "");
    const words = state.predict ? `${method.label}: covered until you have guessed` : run ? `${method.label}, ${steps(run.steps)}, ${evaluations(run.nfe[run.steps])}, ${clock(run.times[at])}: mean distance to the data ${number(score.distance)}, ${percent(score.off)} off it${shown.known ? `, ${percent(score.copies)} copies of its points` : ""}, ${lost} off screen`
      : `${method.label}: nothing to show`;
    panel.canvas.setAttribute("aria-label", words);
    return words;
  });
  root.dataset.state = busy ? "busy" : "ready";
  root.dataset.particles = shown.particles;
  write(ui.status, [...notes].join(" "));
  speak(busy ? "" : said.join(". "));
  drawFigures(theme);
}

let speaking = 0;
function speak(words) {
  clearTimeout(speaking);
  if (words && !timer) speaking = setTimeout(() => write(ui.heard, words), 900);
}

const percent = (value) => `${value > 0 && value < 0.01 ? "<1" : value > 0.99 && value < 1 ? ">99" : (100 * value).toFixed(0)} %`;

function drawFigures(theme) {
  ui.measured.hidden = state.predict || !(state.figures || state.view !== "all");
  for (const kind of ["order", "work", "clocks"]) ui[kind].node.hidden = !MEASURES[state.view].includes(kind);
  if (ui.measured.hidden) return;
  root.dataset.figures = figures.stale ? "busy" : "ready";
  const left = innerHeight - ui.measured.getBoundingClientRect().top - scrollY - 76;
  const size = { width: Math.floor(ui[MEASURES[state.view][0]].holder.clientWidth), height: Math.max(FIGURE - 28, state.stage ? left : innerWidth >= 900 ? Math.min(360, left) : 0), scale: state.stage ? Math.max(1, innerWidth / 840) : 1, fixed: state.stage, budget: state.compare === "nfe" ? state.nfe : 20 };
  const showing = { order: showOrder, work: state.trade ? showTrade : showWork, clocks: showClocks };
  for (const kind of MEASURES[state.view]) {
    const found = figures[kind];
    const key = found && JSON.stringify([theme, size, state.trade, kind === "clocks" && state.steps, found.lines?.length, found.id, found.failed]);
    if (!found || found.drawn === key) continue;
    found.drawn = key;
    if (found.failed) { ui[kind].holder.replaceChildren(); write(ui[kind].note, `Not measured: ${found.failed}.`); }
    else showing[kind](ui[kind], found, found.methods, theme, size);
  }
}

function showClocks(parts, found, [method], theme, size) {
  const spacings = tables.spacings.map((label) => ({ label, style: { ...tables.clocks[label], dash: [] } })), schedule = SCHEDULES[state.schedule];
  showOrder(parts, found, spacings, theme, { ...size, of: "even in" });
  parts.holder.append(drawNodes(schedule, state.steps, found.tEnd, spacings, theme, size));
  write(parts.note, `${method.label}, the first method, with nodes even in each clock: its order, and below where ${state.steps} steps go. ${parts.note.textContent}`);
}

if (parent !== window) // in a frame, which may be too short
  new ResizeObserver(() => parent.postMessage({ toylabHeight: root.scrollHeight }, "*")).observe(root);
watchTheme(schedule);
addEventListener("resize", schedule);
addEventListener("hashchange", load);
addEventListener("keydown", stage.key);
load();
