// What the player and the gallery have in common: panels side by side, counts, times, and the play button.
// parts.js stands before this.

const NARROWEST = 125, WIDEST = 460; // CSS pixels of a panel
const GAP = 12; // between panels
const KINDS = { int16: Int16Array, uint8: Uint8Array, float32: Float32Array, float64: Float64Array };

function unpack(scene) {
  const { buffer, byteOffset, byteLength } = scene.data;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const arrays = {};
  for (const [name, { kind, offset, count }] of Object.entries(scene.arrays))
    arrays[name] = new KINDS[kind](bytes, offset, count);
  return { ...scene, arrays };
}

// The last node at which `times` (running either way) has not gone beyond t.
function reached(times, t) {
  const last = times.length - 1, sign = Math.sign(times[last] - times[0]);
  let k = 0;
  while (k < last && (times[k + 1] - t) * sign <= 1e-9) k++;
  return k;
}

function number(value) {
  if (Number.isNaN(value)) return "–"; // no manifold to measure from
  if (value === Infinity) return "overflow";
  if (value === 0) return "0";
  if (value >= 1e-3 && value < 1e4) return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const [digits, power] = value.toExponential(1).split("e");
  return `${digits}·10${[...String(Number(power))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")}`;
}

const evaluations = (count) => `${count} evaluation${count === 1 ? "" : "s"}`;
const steps = (count) => `${count} step${count === 1 ? "" : "s"}`;
const clock = (t) => `t = ${t && t < 1e-3 ? number(t) : t.toFixed(3)}`;

// Columns that a row of so many panels may have.
const COLUMNS = { 1: [1], 2: [2, 1], 3: [3, 2, 1], 4: [4, 2, 1], 5: [5, 3, 2, 1], 6: [6, 3, 2, 1], 7: [4, 2, 1], 8: [4, 2, 1] };

// The parts of the page around `root` that scroll, and would not grow if it did: JupyterLab's outputs scroll aside only,
// and are as high as what they hold.
const TALL = 100000, bounds = new WeakMap();

function bounding(root) {
  const found = [];
  root.style.minHeight = `${TALL}px`;
  for (let node = root.parentElement; node && node !== document.body; node = node.parentElement)
    if (/auto|scroll/.test(getComputedStyle(node).overflowY) && node.clientHeight > 300 && node.clientHeight < TALL) found.push(node);
  root.style.minHeight = "";
  return found;
}

// CSS pixels from top to bottom in which controls and panels are to be seen together: the part of the page that scrolls.
// In a frame that grows with what it holds (VS Code, Colab) only the screen says how much that is.
function visibleHeight(root) {
  const framed = parent !== window && !document.documentElement.dataset.toylab;
  const height = framed ? 0.7 * screen.availHeight : innerHeight - (document.documentElement.dataset.toylab ? 32 : 0);
  if (!bounds.has(root)) bounds.set(root, bounding(root));
  return Math.min(height, ...bounds.get(root).map((node) => node.clientHeight - 12));
}

const scrolls = (node) => /auto|scroll/.test(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight + 1;

// What only cuts off, on the way to what scrolls, would keep the sliders from staying in view.
function unclip(root) {
  for (let node = root.parentElement; node && node !== document.body && !scrolls(node); node = node.parentElement)
    if (getComputedStyle(node).overflow !== "visible") node.style.overflow = "clip";
}

// The columns and the width of a panel that show the most: controls and all panels at once, where that leaves them
// NARROWEST; else as wide as the page allows. `resize(columns, size)` lays them out for a trial and returns the width
// that came of it: images have whole pixels. Of equal ones the fewest rows.
function arrange(root, grid, count, resize) {
  root.dataset.fits = true; // every trial is of that layout
  bounds.delete(root); // outputs can be made to scroll at any time
  const room = visibleHeight(root), width = grid.clientWidth - 2;
  const tried = COLUMNS[count].map((columns) => {
    const widest = Math.min(WIDEST, Math.floor((width - GAP * (columns - 1)) / columns));
    const fits = (size) => {
      resize(columns, size);
      return grid.getBoundingClientRect().bottom - root.getBoundingClientRect().top <= room;
    };
    if (widest < NARROWEST || fits(widest)) return { columns, size: widest, side: resize(columns, widest), widest };
    let [size, over] = [NARROWEST - 1, widest]; // the largest known to fit, the smallest known not to
    while (over - size > 2) {
      const middle = Math.floor((size + over) / 2);
      fits(middle) ? (size = middle) : (over = middle);
    }
    return { columns, size, side: resize(columns, size), widest };
  });
  const best = tried.filter(({ size }) => size >= NARROWEST).sort((a, b) => b.side - a.side)[0];
  const found = best ?? tried.find(({ widest }) => widest >= 150) ?? tried.at(-1);
  if (!best) found.size = Math.min(found.widest, 250);
  root.dataset.fits = Boolean(best); // if not, the sliders stay in view
  if (!best) unclip(root);
  resize(found.columns, found.size);
  return found;
}

// Columns of `side` pixels; narrow heads have a line more, whatever their numbers.
function frame(grid, columns, side) {
  grid.style.gridTemplateColumns = `repeat(${columns}, ${side}px)`;
  grid.style.setProperty("--panel", `${side}px`);
  grid.dataset.narrow = side < 285;
}

// A canvas of the panel's size in device pixels, its context scaled to CSS pixels.
function fit(canvas, size, ratio) {
  canvas.width = canvas.height = Math.round(size * ratio);
  canvas.style.width = canvas.style.height = `${size}px`;
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  return ctx;
}

// Whether the second half of the panels are the twins of the first: the same hues.
function areTwins(panels) {
  const half = panels.length / 2;
  return half > 1 && Number.isInteger(half) && panels.slice(0, half).every((panel, i) => panel.color.light === panels[half + i].color.light);
}

// The place of panel i in a grid of so many columns: twins stay one above the other.
function place(i, panels, columns) {
  const half = panels.length / 2;
  if (!areTwins(panels)) return i;
  const lower = i >= half, across = i - (lower ? half : 0), block = Math.floor(across / columns);
  return block * 2 * columns + (lower ? Math.min(columns, half - block * columns) : 0) + (across % columns);
}

function player(model, getShown, tick) {
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; tick(); };
  const step = () => {
    const { node, nodes } = getShown();
    put(model, { progress: Math.min(1, (node + 1) / nodes) });
    if (node + 1 >= nodes) stop();
  };
  const toggle = () => {
    if (timer) return stop();
    const { node, nodes } = getShown();
    if (isStill()) return put(model, { progress: node === nodes ? 0 : (node + 1) / nodes });
    if (node === nodes) put(model, { progress: 0 });
    timer = setInterval(step, Math.min(400, Math.max(40, 4000 / nodes)));
    tick();
  };
  return { stop, toggle, label: () => saysPlay(timer) };
}

// Calls `load` when the scene changes, and then or when anything else that is shown changes (state in `names`, size of it
// or of what bounds it, theme) `draw`, once a refresh of the screen; not while `root` is hidden.
function redrawing(model, root, names, load, draw) {
  let queued = 0;
  const schedule = () => { queued ||= requestAnimationFrame(frame); };
  const reload = () => { load(); schedule(); };
  function frame() {
    queued = 0;
    if (root.clientWidth) { draw(); watch(); }
    else if (root.isConnected) setTimeout(schedule, 250); // perhaps only while JupyterLab changes its theme
  }
  for (const name of names) model.on(`change:${name}`, schedule);
  model.on("change:scene", reload);
  const sizes = new ResizeObserver(schedule), watched = new Set(), unwatch = watchTheme(schedule);
  const watch = () => [root, ...(bounds.get(root) ?? [])].filter((node) => !watched.has(node)).forEach((node) => { watched.add(node); sizes.observe(node); });
  watch();
  addEventListener("resize", schedule);
  reload();
  const stop = () => {
    cancelAnimationFrame(queued);
    for (const name of names) model.off(`change:${name}`, schedule);
    model.off("change:scene", reload);
    sizes.disconnect();
    unwatch();
    removeEventListener("resize", schedule);
  };
  return { schedule, stop };
}

// ---- choices: a dropdown, or a slider where all names are numbers; the kernel computes what is chosen ----

const WORDS = ["choices", "chosen", "status", "error"];

function buildChoice(model, label, names) {
  const choose = (value) => put(model, { chosen: { ...model.get("chosen"), [label]: value } });
  if (names.every((name) => name !== "" && Number.isFinite(Number(name)))) {
    const { range, output, row } = buildSlider(label, (at) => write(output, names[at]));
    range.onchange = () => choose(names[range.value]);
    const show = (value) => setSlider({ range, output }, names.length - 1, names.indexOf(value), value);
    return { label, input: range, show, row };
  }
  const options = names.map((name) => make("option", { value: name, textContent: name }));
  const select = make("select", { onchange: () => choose(select.value) }, ...options);
  return { label, input: select, show: (value) => { select.value = value; }, row: make("label", { className: "choice" }, `${label} `, select) };
}

// What the kernel is doing, and what went wrong; without a kernel a page with choices says that.
function sayState(model, alive, status, error) {
  const gone = !alive && Object.keys(model.get("choices")).length > 0;
  write(status, gone ? "" : model.get("status"));
  write(error, gone ? GONE : model.get("error"));
}

function showChoice({ input, show }, value, busy) {
  show(value);
  if (busy && document.activeElement === input) input.dataset.back = "focus";
  input.disabled = busy;
  if (!busy && input.dataset.back) { input.focus(); delete input.dataset.back; }
}

function drawSwatch(canvas, { color, dash }, theme) {
  const ctx = canvas.getContext("2d");
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.strokeStyle = color[theme];
  ctx.lineWidth = 6;
  ctx.setLineDash(dash.map((length) => 2 * length));
  ctx.beginPath();
  ctx.moveTo(0, 4);
  ctx.lineTo(60, 4);
  ctx.stroke();
}

// Radio buttons of the values and texts in `options`.
function buildRadio(label, options, onchange) {
  const name = `toylab-${Math.random().toString(36).slice(2)}`;
  const inputs = Object.keys(options).map((value) => make("input", { type: "radio", name, value, onchange: () => onchange(value) }));
  const rows = inputs.map((input) => make("label", { className: "check" }, input, options[input.value]));
  const row = make("span", { className: "modes", role: "radiogroup", "aria-label": label }, label, ...rows);
  return { row, show: (value) => inputs.forEach((input) => { input.checked = input.value === value; }) };
}
