// The gallery: a grid of images a panel, native inputs. All images are here, in the browser.
// parts.js, panels.js and plane.js stand before this.

const VIEWS = { x_t: "x_t", x0: "predicted x0", both: "both" };
const STATE = ["step_index", "progress", "equal_nfe", "view", "selected", "theme"];
const HINT = "Click an image to frame it in every panel, and to see its film.";
const FRAMES = 13; // of a film, at most: the nodes nearest to these many steps between the first and the last

// ---- data: what the state says each panel shows ------------------------------------------------

// As the player's: at equal NFE each panel has its own N, the time slider walks the nodes of the largest, and every
// other panel waits at the last node it has reached.
function resolve(data, model) {
  const equal = model.get("equal_nfe"), choices = equal ? data.budgets : data.steps;
  const choice = Math.min(model.get("step_index"), choices.length - 1);
  const counts = data.panels.map((panel) => (equal ? panel.within[choice] : choices[choice]));
  const nodes = Math.max(...counts), node = Math.round(model.get("progress") * nodes), t = data.arrays[`times_${nodes}`][node];
  const views = counts.map((count, i) => {
    const panel = data.panels[i];
    if (!count) return { panel, count };
    const times = data.arrays[`times_${count}`], k = count === nodes ? node : reached(times, t);
    const { nfe, remark } = panel.runs[count];
    return { panel, count, k, t: times[k], nfe, remark: k === count ? remark : "" };
  });
  return { equal, choice, choices, nodes, node, t, views };
}

const shownKinds = (view) => (view === "both" ? ["x_t", "x0"] : [view]);

function spoken({ panel, count, ...view }, kind, data) {
  if (!count) return `${panel.title}: its smallest run takes ${evaluations(panel.least)}, more than the budget`;
  return `${panel.title}, ${steps(count)}, ${evaluations(view.nfe)}, ${clock(view.t)}: ${data.images} images, ${VIEWS[kind]}` +
    `${view.remark ? `; ${view.remark}` : ""}. Arrow keys choose an image.`;
}

// ---- drawing: one pixel of the canvas for one of an image, lines of one pixel between -------------

const gridSize = ({ images, columns, width, height }) => [columns * (width + 1) + 1, Math.ceil(images / columns) * (height + 1) + 1];

function drawImages(canvas, data, pixels, first, selected, ink) {
  const { images, columns, channels, width, height } = data, ctx = canvas.getContext("2d");
  const place = (i) => [(i % columns) * (width + 1), Math.floor(i / columns) * (height + 1)];
  ctx.fillStyle = ink.grid;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  if (selected >= 0 && selected < images) {
    ctx.fillStyle = ink.frame;
    ctx.fillRect(...place(selected), width + 2, height + 2);
  }
  const tile = new ImageData(width, height), area = width * height;
  for (let i = 0; i < images; i++) {
    const from = first + i * channels * area;
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < 3; c++) tile.data[4 * p + c] = pixels[from + (channels === 3 ? c * area : 0) + p];
      tile.data[4 * p + 3] = 255;
    }
    const [x, y] = place(i);
    ctx.putImageData(tile, x + 1, y + 1);
  }
}

// ---- the film of one image: x_t (or x0) at the nodes of each method, the present one framed, its nearest real one last ----

function buildFilm(panel) {
  const swatch = make("canvas", { className: "swatch", width: 60, height: 8, "aria-hidden": "true" });
  const strip = make("canvas", { role: "img" }), near = make("canvas", { role: "img", className: "near" });
  return { swatch, strip, near, node: make("div", { className: "row" }, make("span", { className: "who" }, swatch, " ", make("b", { textContent: panel.title })), strip, near) };
}

const framesOf = (count) => {
  const frames = Math.min(FRAMES, count + 1);
  return Array.from({ length: frames }, (_, j) => Math.round(j * count / (frames - 1)));
};

function drawFilm(film, data, view, i, kind, image, ink) {
  film.node.hidden = !view.count;
  if (!view.count) return;
  const { width, height } = data, each = data.channels * width * height, nodes = framesOf(view.count);
  const one = { ...data, images: nodes.length, columns: nodes.length }, pixels = data.arrays[`${kind}_${i}_${view.count}`];
  const frames = new Uint8Array(nodes.length * each);
  nodes.forEach((k, j) => { const from = (k * data.images + image) * each; frames.set(pixels.subarray(from, from + each), j * each); });
  const now = nodes.reduce((best, k, j) => (Math.abs(k - view.k) < Math.abs(nodes[best] - view.k) ? j : best), 0);
  [film.strip.width, film.strip.height] = gridSize(one);
  film.strip.style.width = `min(100% - 70px, ${56 * nodes.length}px)`;
  film.strip.setAttribute("aria-label", `${view.panel.title}, image ${image + 1}: ${VIEWS[kind]} at nodes ${nodes.join(", ")}`);
  drawImages(film.strip, one, frames, 0, now, ink);
  film.near.hidden = !data.near;
  if (!data.near) return;
  const single = { ...data, images: 1, columns: 1 };
  [film.near.width, film.near.height] = gridSize(single);
  film.near.setAttribute("aria-label", `the nearest real image to image ${image + 1} of ${view.panel.title}`);
  drawImages(film.near, single, data.arrays[`near_${i}_${view.count}`], image * each, -1, ink);
}

// ---- the page around it ------------------------------------------------------------------------

function buildPanel(panel, data, choose) {
  const swatch = make("canvas", { className: "swatch", width: 60, height: 8, "aria-hidden": "true" });
  const parts = { swatch, counts: make("span", { className: "counts" }), time: make("span", { className: "time" }), remark: make("span", { className: "lost" }), name: make("b", { textContent: panel.title }) };
  parts.missing = make("div", { className: "missing", hidden: true });
  const [width, height] = gridSize(data);
  parts.grids = Object.fromEntries(["x_t", "x0"].map((kind) => {
    const canvas = make("canvas", { width, height, tabIndex: 0, role: "img", onclick: (event) => choose.at(event), onkeydown: choose.by });
    const name = make("div", { className: "kind", textContent: VIEWS[kind] });
    return [kind, { canvas, name, node: make("div", {}, name, canvas) }];
  }));
  parts.node = make("div", { className: "panel" },
    make("div", { className: "head" }, make("span", { className: "name" }, swatch, parts.name),
      parts.counts, parts.time, parts.remark),
    make("div", { className: "stage" }, ...Object.values(parts.grids).map((grid) => grid.node), parts.missing));
  return parts;
}

function buildControls(model, play) {
  const step = buildSlider("Steps", (value) => put(model, { step_index: value }));
  const time = buildSlider("Time", (value) => { play.stop(); put(model, { progress: value / Number(time.range.max) }); });
  const button = make("button", { type: "button", className: "play", onclick: play.toggle });
  const modes = buildRadio("Compare at", { steps: "equal steps", nfe: "equal NFE" }, (mode) => {
    const index = Math.min(model.get("step_index"), model.get("scene")[mode === "nfe" ? "budgets" : "steps"].length - 1);
    put(model, mode === "nfe" ? { step_index: index, equal_nfe: true } : { equal_nfe: false, step_index: index });
  });
  const views = buildRadio("Show", VIEWS, (view) => put(model, { view }));
  const choices = Object.entries(model.get("choices")).map(([label, names]) => buildChoice(model, label, names));
  const node = make("div", { className: "controls" }, step.row, make("div", { className: "timing" }, time.row, button),
    make("div", { className: "switches" }, modes.row, views.row, ...choices.map((choice) => choice.row)));
  return { node, step, time, button, modes, views, choices };
}

function updateControls(controls, data, model, shown, alive) {
  const { equal, choice, choices, nodes, node, t } = shown, what = choices[choice];
  const busy = !alive || model.get("status") !== "";
  for (const each of controls.choices) showChoice(each, model.get("chosen")[each.label], busy);
  write(controls.step.name, equal ? "Budget" : "Steps");
  setSlider(controls.step, choices.length - 1, choice, equal ? evaluations(what) : steps(what));
  setSlider(controls.time, nodes, node, `${clock(t)}, node ${node} of ${nodes}`, `${clock(t)}, node ${node}/${nodes}`);
  controls.modes.show(equal ? "nfe" : "steps");
  controls.modes.row.hidden = data.budgets.length === 0;
  controls.views.show(model.get("view"));
}

function render({ model, el }) {
  let data, panels, plane, films, shown, laid = "", theme = "", alive = true;
  const play = player(model, () => resolve(data, model), () => redraw.schedule());
  const controls = buildControls(model, play);
  const heading = make("div", { className: "heading" }), grid = make("div", { className: "panels" });
  const caption = make("p", { className: "caption" });
  const status = make("div", { className: "status", role: "status" }), error = make("div", { className: "error", role: "alert" });
  const film = make("div", { className: "film" });
  const root = make("div", { className: "toylab-view toylab-player toylab-gallery" });
  const gridsOf = (panel) => Object.values(panel.grids).filter(({ node }) => !node.hidden).map(({ canvas }) => canvas);
  const lecture = buildLecture(model, root, {
    shown: () => shown, data: () => data, play, redraw: () => redraw.schedule(),
    panels: () => [...panels.filter(({ node }) => !node.hidden).map((panel) => ({ canvases: gridsOf(panel), lines: [panel.name, panel.counts, panel.time].map((part) => part.textContent) })),
      ...(plane && !plane.node.hidden ? [{ canvases: [plane.canvas], lines: ["principal plane", data.plane.shares, plane.time.textContent] }] : [])],
    words: () => [data.heading, ...panels.map((panel) => gridsOf(panel)[0].getAttribute("aria-label").replace(" Arrow keys choose an image.", ""))].join("\n"),
  });
  root.prepend(make("div", { className: "top" }, heading, status, lecture.node), controls.node, error, grid, film, caption);
  el.append(root);

  const choose = {
    at(event) {
      const box = event.currentTarget.getBoundingClientRect(), [width, height] = gridSize(data);
      const column = Math.floor((event.clientX - box.left) / box.width * width / (data.width + 1));
      const row = Math.floor((event.clientY - box.top) / box.height * height / (data.height + 1));
      const image = Math.min(column, data.columns - 1) + data.columns * row;
      if (image < data.images) this.image(image);
    },
    image(i) { put(model, { selected: i === model.get("selected") ? -1 : i }); },
    by(event) {
      const move = { ArrowRight: 1, ArrowDown: data.columns, ArrowLeft: -1, ArrowUp: -data.columns }[event.key];
      if (!move) return;
      event.preventDefault();
      const old = model.get("selected"), image = old < 0 ? 0 : old + move;
      if (image >= 0 && image < data.images) put(model, { selected: image });
    },
  };

  const nodes = () => [...panels, ...(plane ? [plane] : [])].map(({ node }) => node);

  function load() {
    data = unpack(model.get("scene"));
    panels = data.panels.map((panel) => buildPanel(panel, data, choose));
    plane = data.plane && buildPlane(data, choose, () => shown);
    grid.replaceChildren(...nodes());
    films = data.panels.map(buildFilm);
    film.replaceChildren(make("div", { className: "kind" }), ...films.map((each) => each.node));
    write(heading, data.heading);
    laid = ""; // lay out again
  }

  function layout() {
    const chosen = model.get("theme"), ink = chosen === "auto" ? pageTheme() : chosen, kinds = shownKinds(model.get("view"));
    lecture.mark(nodes(), controls.node);
    const now = [grid.clientWidth, visibleHeight(root), devicePixelRatio, ink, kinds, ...Object.values(lecture.on)].join();
    if (now === laid) return;
    [laid, theme] = [now, ink];
    root.dataset.theme = theme;
    panels.forEach((panel, i) => {
      drawSwatch(panel.swatch, data.panels[i], theme);
      drawSwatch(films[i].swatch, data.panels[i], theme);
      for (const [kind, { node, name }] of Object.entries(panel.grids)) {
        node.hidden = !kinds.includes(kind);
        name.hidden = kinds.length < 2;
      }
    });
    const [across, down] = gridSize(data);
    const lay = lecture.on.stage ? lecture.arrange : (...given) => arrange(root, ...given);
    const wide = lecture.on.stage ? kinds.length : 1; // on stage side by side, else one above the other
    lay(grid, nodes().length, (columns, side) => {
      // as many whole pixels of the screen for one of an image as there is room for
      const scale = Math.floor(side / across * devicePixelRatio) / devicePixelRatio || side / across;
      frame(grid, columns, across * scale);
      for (const panel of panels)
        for (const { canvas } of Object.values(panel.grids))
          Object.assign(canvas.style, { width: `${across * scale}px`, height: `${down * scale}px` });
      if (plane) {
        plane.side = across * scale;
        Object.assign(plane.canvas.style, { width: `${plane.side}px`, height: `${plane.side}px` });
      }
      return across * scale;
    }, kinds.length / wide * down / across * (wide > 1 ? 1.15 : 1.05), wide); // and room for names
  }

  function drawPanel(parts, view, i) {
    const style = getComputedStyle(root);
    const ink = { grid: style.getPropertyValue("--grid"), frame: style.getPropertyValue("--frame") };
    for (const [kind, { canvas, node }] of Object.entries(parts.grids)) {
      canvas.setAttribute("aria-label", spoken(view, kind, data));
      if (node.hidden) continue;
      if (!view.count) { canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height); continue; }
      const pixels = data.arrays[`${kind}_${i}_${view.count}`], each = data.images * data.channels * data.width * data.height;
      drawImages(canvas, data, pixels, view.k * each, model.get("selected"), ink);
    }
  }

  function drawFilms() {
    const image = model.get("selected"), kind = model.get("view") === "x0" ? "x0" : "x_t", style = getComputedStyle(root);
    const ink = { grid: style.getPropertyValue("--grid"), frame: style.getPropertyValue("--frame") };
    film.hidden = image < 0 || image >= data.images;
    if (film.hidden) return;
    write(film.firstChild, `Image ${image + 1}: ${VIEWS[kind]} from noise to the end${data.near ? ", and the nearest real image" : ""}`);
    films.forEach((each, i) => drawFilm(each, data, shown.views[i], i, kind, image, ink));
  }

  function writeHead(parts, view) {
    parts.missing.hidden = Boolean(view.count);
    write(parts.missing, view.count ? "" : `its smallest run: NFE ${view.panel.least}`);
    const then = lecture.on.stage ? "\n" : ", "; // lines on stage
    write(parts.counts, view.count ? `N = ${view.count}${then}NFE ${view.nfe}` : `N = –${then}NFE –`);
    write(parts.time, view.count ? clock(view.t) : "");
    write(parts.remark, view.remark ?? "");
  }

  function draw() {
    shown = resolve(data, model);
    updateControls(controls, data, model, shown, alive);
    sayState(model, alive, status, error);
    write(controls.button, play.label());
    shown.views.forEach((view, i) => writeHead(panels[i], view));
    root.dataset.clock = shown.equal ? "each" : "one";
    layout();
    shown.views.forEach((view, i) => drawPanel(panels[i], view, i));
    if (plane) drawPlane(plane, data, shown, model.get("selected"), theme, getComputedStyle(root));
    drawFilms();
    const mode = shown.equal ? data.modes.equal_nfe : data.modes.equal_steps;
    write(caption, [data.caption, data.kinds[model.get("view")], mode, data.plane?.caption, HINT].filter(Boolean).join(" "));
  }

  const unwatch = watchKernel(model, (known) => { alive = known; redraw.schedule(); });
  const redraw = redrawing(model, root, [...STATE, ...WORDS], load, draw);
  return () => {
    play.stop();
    unwatch();
    lecture.stop();
    redraw.stop();
  };
}
