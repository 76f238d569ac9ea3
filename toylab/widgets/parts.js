// What the player and the labs have in common: nodes, texts, changes of the model.

const GONE = "The kernel was restarted or has ended: run the cell again.";
const FOCUSABLE = new Set(["input", "select", "button", "canvas"]);

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  if (FOCUSABLE.has(tag)) node.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its keys to itself
  for (const [name, value] of Object.entries(properties))
    name in node ? (node[name] = value) : node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function put(model, changes) {
  for (const [name, value] of Object.entries(changes)) model.set(name, value);
  model.save_changes();
}

// JupyterLab's and VS Code's marks on the body, then the system's preference.
function pageTheme() {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
  if (/vscode-(dark|high-contrast)/.test(body.className)) return "dark";
  if (body.classList.contains("vscode-light")) return "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Calls `changed` whenever the page may have another theme; returns what ends that.
function watchTheme(changed) {
  const marks = new MutationObserver(changed), system = matchMedia("(prefers-color-scheme: dark)");
  marks.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  system.addEventListener("change", changed);
  return () => {
    marks.disconnect();
    system.removeEventListener("change", changed);
  };
}

// The name of the model's kernel now, "" where it has ended; undefined where the page does not say, as JupyterLab does.
function kernelOf(model) {
  const manager = model.widget_manager;
  return manager && "kernel" in manager ? (manager.kernel?.id ?? "") : undefined;
}

// Calls `changed` with whether the kernel that made the model still knows it, now that it is not: it was restarted, or
// has ended, or another is in its place. Returns what ends the watch. A page without a kernel never calls.
function watchKernel(model, changed) {
  const made = kernelOf(model), session = model.widget_manager?.context?.sessionContext;
  const ask = () => model.widget_manager?.get_model(model.get("_place")).then((known) => changed(known.comm_live !== false), () => changed(false));
  const look = () => { if (kernelOf(model) !== made) changed(false); };
  model.on("comm_live_update", ask);
  session?.kernelChanged?.connect(look);
  return () => {
    model.off("comm_live_update", ask);
    session?.kernelChanged?.disconnect(look);
  };
}

// Readers who want no motion: every press of Play is one node then.
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const saysPlay = (playing) => (playing ? "❚❚ Pause" : isStill() ? "▶ Next node" : "▶ Play");

function buildSlider(label, oninput) {
  const range = make("input", { type: "range", min: 0, step: 1, oninput: () => oninput(Number(range.value)) });
  const output = make("output"), name = make("span", { textContent: label });
  return { range, output, name, row: make("label", { className: "slider" }, name, range, output) };
}

function setSlider(slider, max, value, text, short = text) {
  slider.range.max = max;
  slider.range.value = value;
  slider.range.setAttribute("aria-valuetext", text);
  write(slider.output, short);
}
