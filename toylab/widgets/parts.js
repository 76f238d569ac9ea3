// What the player and the labs have in common: nodes, texts, changes of the model.

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
