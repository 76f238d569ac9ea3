// A lab: native inputs beside a figure that the kernel draws anew. While it does, later choices wait, and only the
// last of them is asked for. parts.js stands before this.

function buildMenu({ options }, choose) {
  const select = make("select", { onchange: () => choose(select.value) },
    ...options.map((text) => make("option", { value: text, textContent: text })));
  return { node: select, show: (text) => { select.value = text; } };
}

function buildChoices({ options, lines }, choose) {
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const boxes = options.map((value) => make("input", { type: "checkbox", value, onchange: () => choose(chosen()) }));
  const rows = boxes.map((box, i) => make("label", { className: "check" }, box, lineOf(lines[i]), box.value));
  return { node: make("div", { className: "choices" }, ...rows), show: (texts) => boxes.forEach((box) => { box.checked = texts.includes(box.value); }) };
}

function lineOf({ light, dark, dash }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "line");
  svg.setAttribute("aria-hidden", "true");
  svg.style.setProperty("--light", light);
  svg.style.setProperty("--dark", dark);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 32, y1: 4, y2: 4, "stroke-width": 3, "stroke-dasharray": dash.join(" ") }))
    line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

function buildControl(control, choose) {
  const { kind, label, options } = control;
  if (kind === "slider") {
    const slider = buildSlider(label, (index) => choose(options[index]));
    return { row: slider.row, show: (text) => setSlider(slider, options.length - 1, options.indexOf(text), text) };
  }
  const { node, show } = kind === "menu" ? buildMenu(control, choose) : buildChoices(control, choose);
  const row = kind === "menu" ? make("label", { className: "menu" }, make("span", { textContent: label }), node)
    : make("fieldset", {}, make("legend", { textContent: label }), node);
  return { row, show };
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function render({ model, el }) {
  let wanted = model.get("chosen"), waiting = false, alive = true, picture = "";
  const controls = model.get("controls").map((control) => ({
    name: control.name, label: control.label,
    ...buildControl(control, (value) => { wanted = { ...wanted, [control.name]: value }; ask(); }),
  }));
  const image = make("img");
  const status = make("span", { className: "status", role: "status" });
  const note = make("p", { className: "note" }), error = make("p", { className: "error", role: "alert" });
  const root = make("div", { className: "toylab-view toylab-lab" }, make("div", { className: "columns" },
    make("div", { className: "controls", role: "group", "aria-label": model.get("title") },
      ...controls.map((control) => control.row), error, note),
    make("div", { className: "stage" }, image, status)));
  el.append(root);

  function ask() {
    if (!waiting && !same(wanted, model.get("chosen"))) {
      waiting = true;
      put(model, { chosen: wanted });
    }
    update();
  }

  function answer() {
    waiting = false;
    ask();
  }

  function follow() { // the kernel chose
    if (!waiting) wanted = model.get("chosen");
    update();
  }

  function retheme() { // the kernel draws for the page as it is
    if (alive && model.get("theme") !== pageTheme()) put(model, { theme: pageTheme() });
    update();
  }

  function draw() {
    const old = picture;
    picture = URL.createObjectURL(new Blob([model.get("figure")], { type: "image/png" }));
    image.onload = () => URL.revokeObjectURL(old);
    image.src = picture;
    update();
  }

  function update() {
    const busy = alive && (waiting || model.get("status") !== ""), failed = alive ? model.get("error") : GONE;
    for (const input of root.querySelectorAll("input, select")) input.disabled = !alive;
    for (const { name, show } of controls) show(wanted[name]);
    root.dataset.theme = pageTheme();
    root.dataset.drawn = model.get("drawn");
    root.dataset.state = busy ? "busy" : failed ? "failed" : "ready";
    write(status, busy ? "computing …" : "");
    write(error, busy ? "" : failed);
    write(note, failed ? "" : model.get("note"));
    const setting = controls.map(({ name, label }) => `${label} ${[wanted[name]].flat().join(", ")}`).join("; ");
    image.alt = `${model.get("title")}. ${setting}. ${model.get("note")}`;
  }

  const changes = { answered: answer, chosen: follow, figure: draw, drawn: update, note: update, status: update, error: update };
  for (const [name, act] of Object.entries(changes)) model.on(`change:${name}`, act);
  const unwatch = watchTheme(retheme), unwatchKernel = watchKernel(model, (known) => { alive = known; update(); });
  draw();
  retheme();
  return () => {
    for (const [name, act] of Object.entries(changes)) model.off(`change:${name}`, act);
    unwatch();
    unwatchKernel();
    URL.revokeObjectURL(picture);
  };
}
