// A pad: a board to draw on, and beside it the samples that the kernel makes of it. While the kernel works, later
// changes wait, and only the last of them is asked for. parts.js and drawing.js stand before this.

function render({ model, el }) {
  let alive = true, waiting = false, own = "", wanted = null;
  const board = buildBoard((resting) => { if (resting) drew(); else note.textContent = ""; });
  const shown = make("canvas", { width: 640, height: 640, className: "samples", role: "img" });
  delete shown.dataset.lmSuppressShortcuts;
  const select = (label, options, onchange) => {
    const menu = make("select", { onchange: () => onchange(menu.value) }, ...options.map(([value, text]) => make("option", { value, textContent: text })));
    return { menu, row: make("label", { className: "field" }, make("span", { textContent: label }), menu) };
  };
  const button = (textContent, onclick) => make("button", { textContent, onclick });
  const undo = button("Undo stroke", () => board.undo()), clear = button("Clear", () => board.set([]));
  const second = button("Second pen", () => {
    const pressed = second.ariaPressed !== "true";
    second.ariaPressed = String(pressed);
    board.take(pressed);
  });
  second.ariaPressed = "false";
  second.title = "What it draws is a second class";
  const preset = select("begin with", [["", "choose …"], ...model.get("presets").map(([name, text]) => [text, name])], (text) => { if (text) ask({ asked: text }); preset.menu.value = ""; });
  const method = select("method", model.get("choices").map((name) => [name, name]), (name) => ask({ method: name }));
  const epsilon = select("epsilon", [["exact", "exact"], ["network", "the network"]], (name) => ask({ epsilon: name }));
  const label = select("class", ["all", "first", "second"].map((name) => [name, name]), (name) => ask({ label: name }));
  const guidance = buildSlider("guidance", (place) => ask({ guidance: place / 2 }));
  const classes = make("div", { className: "row" }, label.row, guidance.row);
  const steps = buildSlider("steps", (place) => ask({ steps: place + 1 }));
  const train = button("", () => {
    if (model.get("training")) put(model, { training: false });
    else if (!ending()) ask({ training: true });
    update();
  });
  const ending = () => !model.get("training") && model.get("status") !== ""; // stopped, and not yet at rest
  const field = make("input", { type: "text", spellcheck: false, onkeydown: (event) => { if (event.key === "Enter") use(); } });
  const load = button("Use this text", () => use()), copy = button("Copy", () => { field.select(); navigator.clipboard?.writeText(field.value); });
  const note = make("p", { className: "note", role: "status" }), error = make("p", { className: "error", role: "alert" });
  const status = make("span", { className: "status", role: "status" }), curve = make("div", { className: "curve" });
  const root = make("div", { className: "toylab-view toylab-pad" },
    make("div", { className: "boards" },
      make("figure", {}, make("figcaption", { textContent: "Draw here" }), board.canvas),
      make("figure", {}, make("figcaption", { textContent: "Samples" }), shown)),
    make("div", { className: "row" }, undo, clear, second, preset.row),
    make("div", { className: "row" }, method.row, epsilon.row, steps.row), classes,
    note, error,
    make("div", { className: "row" }, train, status, curve),
    make("p", { className: "help", textContent: "With keys on the board: arrows move the pen (Shift: further), Space puts it down and lifts it. Or type points, 0,0 1,1; -1,-1 1,-1, or paste a text or an address of the live lab:" }),
    make("div", { className: "row text" }, make("label", { className: "field wide" }, make("span", { textContent: "drawing as text" }), field), load, copy));
  el.append(root);

  // One change at a time; a newer one takes the place of one that waits.
  function ask(changes) {
    wanted = { ...wanted, ...changes };
    send();
  }

  function send() {
    if (waiting || !wanted || !alive) return update();
    const changes = wanted;
    wanted = null;
    if (Object.entries(changes).every(([name, value]) => model.get(name) === value)) return update();
    waiting = true;
    put(model, changes);
    update();
  }

  function drew() {
    const strokes = board.strokes();
    own = strokes.length ? writeDrawing(simplified(strokes)) : "";
    if (own && own !== model.get("text")) ask({ asked: own });
    else update();
  }

  function use() {
    if (field.value.trim()) ask({ asked: field.value });
  }

  function answered() {
    waiting = false;
    send();
  }

  function follow() { // another drawing is used: by a text, or from Python
    const text = model.get("text");
    if (text !== own) {
      own = text;
      board.set(readDrawing(text));
    }
    update();
  }

  function paint(drawn) {
    const ctx = shown.getContext("2d"), ink = getComputedStyle(root), size = shown.width, view = model.get("points");
    const at = (value) => size * (1 + value / HALF) / 2, points = view?.byteLength ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : [];
    ctx.clearRect(0, 0, size, size);
    ctx.lineWidth = 6;
    ctx.lineCap = ctx.lineJoin = "round";
    const pale = [ink.getPropertyValue("--line"), `color-mix(in srgb, ${ink.getPropertyValue("--second")} 45%, ${ink.getPropertyValue("--back")})`];
    for (const stroke of drawn) drawStroke(ctx, stroke.map(([x, y]) => [at(x), at(-y)]), pale[stroke.second ? 1 : 0]);
    ctx.fillStyle = ink.getPropertyValue("--accent");
    let outside = 0;
    for (let i = 0; i < points.length; i += 2) {
      if (Math.max(Math.abs(points[i]), Math.abs(points[i + 1])) > HALF) outside += 1;
      else ctx.fillRect(at(points[i]) - 2.5, at(-points[i + 1]) - 2.5, 5, 5);
    }
    shown.setAttribute("aria-label", `${points.length / 2} samples${outside ? `, ${outside} off the board` : ""}. ${model.get("note")}`);
    shown.dataset.outside = outside;
  }

  function plot() {
    const losses = model.get("losses");
    if (losses.length < 2) return curve.replaceChildren();
    const logs = losses.map(Math.log), low = Math.min(...logs), high = Math.max(...logs), wide = 220, tall = 44;
    const places = logs.map((value, i) => `${(wide * i / 19).toFixed(1)},${(2 + (tall - 4) * (high - value) / (high - low || 1)).toFixed(1)}`);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    svg.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Loss, from ${losses[0].toPrecision(3)} to ${losses.at(-1).toPrecision(3)}, on a logarithmic scale`);
    path.setAttribute("points", places.join(" "));
    svg.append(path);
    curve.replaceChildren(svg, make("span", { textContent: `loss ${losses.at(-1).toPrecision(3)}` }));
  }

  function update() {
    const busy = alive && (waiting || model.get("status") !== ""), training = alive && model.get("training");
    const failed = alive ? model.get("error") : GONE, any = model.get("text") !== "";
    root.dataset.theme = pageTheme();
    root.dataset.state = busy ? "busy" : failed ? "failed" : "ready";
    // Not the button that stops: it would lose the focus.
    for (const input of root.querySelectorAll("button, select, input")) input.disabled = !alive || (input !== train && (training || ending()));
    for (const input of [undo, clear]) input.disabled ||= !board.strokes().length;
    train.disabled ||= !any;
    write(train, training ? "Stop, and keep what it has learnt" : "Train a network on it");
    board.lock(!alive || training || ending());
    method.menu.value = wanted?.method ?? model.get("method");
    epsilon.menu.value = wanted?.epsilon ?? model.get("epsilon");
    const drawn = readDrawing(model.get("text"));
    classes.hidden = epsilon.menu.value !== "exact" || !(drawn.some((stroke) => stroke.second) && drawn.some((stroke) => !stroke.second));
    label.menu.value = wanted?.label ?? model.get("label");
    guidance.row.hidden = label.menu.value === "all";
    const scale = wanted?.guidance ?? model.get("guidance");
    setSlider(guidance, 16, 2 * scale, `guidance ${scale}`, String(scale));
    const count = wanted?.steps ?? model.get("steps");
    setSlider(steps, 99, count - 1, `${count} steps`, String(count));
    if (document.activeElement !== field) field.value = model.get("text");
    write(status, alive ? model.get("status") : "");
    write(error, busy ? "" : failed);
    write(note, !board.strokes().length && !any ? "Nothing is drawn yet." : model.get("note"));
    board.draw();
    paint(drawn);
    plot();
  }

  const changes = { answered, text: follow, points: update, note: update, error: update, status: update, training: update, losses: update, method: update, steps: update, epsilon: update, label: update, guidance: update };
  for (const [name, act] of Object.entries(changes)) model.on(`change:${name}`, act);
  const unwatch = watchTheme(update), unwatchKernel = watchKernel(model, (known) => { alive = known; update(); });
  follow();
  return () => {
    for (const [name, act] of Object.entries(changes)) model.off(`change:${name}`, act);
    unwatch();
    unwatchKernel();
  };
}
