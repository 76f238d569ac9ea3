// A prediction: a guess that is locked before the kernel measures, and the guesses of a class, counted by keys. Then all
// of them stand beside what was measured. parts.js stands before this.

const short = (value) => (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3))));

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The bin of a text or number: an option, a whole order, or an interval.
function binOf({ kind, bins, low, high, step }, value) {
  if (kind === "options") return bins.indexOf(value);
  if (kind === "slope" || bins.length === Math.round((high - low) / step) + 1) return Math.min(bins.length - 1, Math.max(0, Math.round((value - low) / (kind === "slope" ? 1 : step))));
  return Math.min(bins.length - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins.length)));
}

// Bars beside each other: of a class's guesses in one column, of what was measured in the next.
function bar(share, text, kind, head) {
  const fill = make("span", { className: `fill ${kind}` });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  const cell = make("td", {}, make("span", { className: "track" }, fill), make("span", { className: "value", textContent: text }));
  cell.dataset.head = head; // shown where the page is too narrow for columns
  return cell;
}

function tableOf({ bins, kind, measured }, guess, truth, votes) {
  const values = truth.values ?? {}, rows = [...new Set([...bins, ...Object.keys(values)])];
  const most = Math.max(1, ...votes), all = votes.reduce((sum, each) => sum + each, 0);
  const sizes = Object.values(values).map(Math.abs), top = Math.max(...sizes), least = Math.min(...sizes.filter((each) => each > 0));
  const long = top > 30 * least; // then lengths are logarithms
  const share = (value) => (value === 0 ? 0 : long ? 0.08 + 0.92 * Math.log(Math.abs(value) / least) / Math.log(top / least) : Math.abs(value) / top);
  const heads = [all ? `class (${all})` : "", sizes.length ? (long ? `${measured} (logarithmic)` : measured) : ""];
  const body = rows.map((text, i) => {
    const marks = [text === guess ? ["yours", "your guess"] : null, text === truth.answer ? ["found", "measured"] : null].filter(Boolean);
    const name = make("th", { scope: "row" }, text, ...marks.map(([className, said]) => make("span", { className: `mark ${className}`, textContent: said })));
    const counted = all ? [i < bins.length ? bar(votes[i] / most, String(votes[i]), "class", heads[0]) : make("td")] : [];
    const shown = sizes.length ? [text in values ? bar(share(values[text]), short(values[text]), "truth", heads[1]) : make("td")] : [];
    return make("tr", {}, name, ...counted, ...shown);
  });
  return make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...heads.filter(Boolean).map((text) => make("th", { scope: "col", textContent: text })))), make("tbody", {}, ...body));
}

const WIDE = 560, LEFT = 64; // a narrower place has a narrower picture, so that its text is as large

const said = (value) => (typeof value === "string" ? value : short(value));

// A line of numbers: the guess above it, what was measured below, the class as bars.
function amountPlot(asked, guess, truth, votes, wide) {
  const { low, high, bins } = asked, found = truth.answer, known = found !== undefined;
  const x = (value) => LEFT / 2 + (Math.min(high, Math.max(low, value)) - low) / (high - low) * (wide - LEFT);
  const base = 78, most = Math.max(1, ...votes), whole = bins.length === Math.round((high - low) / asked.step) + 1;
  const plot = svg("svg", { viewBox: `0 0 ${wide} 120`, role: "img" });
  votes.forEach((count, i) => {
    const middle = whole ? x(low + i * asked.step) : x(low + (i + 0.5) / bins.length * (high - low)), broad = (wide - LEFT) / bins.length * 0.8;
    if (count) plot.append(svg("rect", { class: "class", x: middle - broad / 2, y: base - 44 * count / most, width: broad, height: 44 * count / most }));
  });
  plot.append(svg("line", { class: "axis", x1: x(low), x2: x(high), y1: base, y2: base }));
  for (let k = 0; k <= 4; k += 1) {
    const value = low + (high - low) * k / 4;
    plot.append(svg("line", { class: "axis", x1: x(value), x2: x(value), y1: base - 4, y2: base + 4 }), label(x(value), base + 20, short(value), "axis"));
  }
  if (guess !== null) plot.append(svg("path", { class: "yours", d: `M${x(guess)} ${base} l-8 -14 h16 z` }), label(inside(x(guess), wide), 20, `your guess ${short(guess)}`, "yours"));
  if (known) plot.append(svg("line", { class: "found", x1: x(found), x2: x(found), y1: 28, y2: base + 6 }), label(inside(x(found), wide), base + 38, `measured ${short(found)}`, "found"));
  return plot;
}

const inside = (x, wide) => Math.min(wide - 70, Math.max(70, x));

function label(x, y, text, kind, anchor = "middle") {
  const node = svg("text", { x, y, class: kind, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

const TALL = 330, FOOT = 44, DECADES = 6;

// Errors against steps, both logarithmic, all relative to the first: the line of the guess begins there.
function slopePlot({ steps: [first, last] }, guess, truth, votes, wide) {
  const x = (steps) => LEFT + Math.log(steps / first) / Math.log(last / first) * (wide - LEFT - 110);
  const y = (error) => 14 + Math.min(DECADES, Math.max(0, -Math.log10(error))) / DECADES * (TALL - FOOT - 14);
  const plot = svg("svg", { viewBox: `0 0 ${wide} ${TALL}`, role: "img" });
  for (let k = 0; k <= DECADES; k += 1)
    plot.append(svg("line", { class: "grid", x1: x(first), x2: x(last), y1: y(10 ** -k), y2: y(10 ** -k) }), label(LEFT - 8, y(10 ** -k) + 5, k ? `10⁻${"⁰¹²³⁴⁵⁶⁷⁸⁹"[k]}` : "1", "axis", "end"));
  for (let steps = first; steps <= last; steps *= 2) plot.append(svg("line", { class: "grid", x1: x(steps), x2: x(steps), y1: y(1), y2: y(10 ** -DECADES) }), label(x(steps), TALL - FOOT + 20, steps, "axis"));
  plot.append(label(x(first) + (x(last) - x(first)) / 2, TALL - 4, "steps N (the error with the fewest is 1)", "axis"));
  const line = (order, kind, more = {}) => {
    const end = Math.min(last, first * 10 ** (DECADES / Math.max(order, 1e-9)));
    return svg("line", { class: kind, x1: x(first), y1: y(1), x2: x(end), y2: y((end / first) ** -order), ...more });
  };
  votes.forEach((count, order) => { if (count) plot.append(line(order, "class", { "stroke-width": 2 + 12 * count / Math.max(...votes) })); });
  const beside = (order) => Math.min(TALL - FOOT - 4, y((last / first) ** -order) + 5);
  if (guess !== null) {
    const shift = truth.answer !== undefined && Math.abs(beside(truth.answer) - beside(guess)) < 16 ? (guess < truth.answer ? -10 : 10) : 0;
    plot.append(line(guess, "yours"), label(x(last) + 8, beside(guess) + shift, `guess ${short(guess)}`, "yours", "start"));
  }
  if (truth.steps) {
    const errors = truth.errors.map((error) => error / truth.errors[0]);
    truth.steps.forEach((steps, i) => plot.append(svg("circle", { class: "found", cx: x(steps), cy: y(errors[i]), r: 5 })));
    plot.append(svg("polyline", { class: "found", points: truth.steps.map((steps, i) => `${x(steps)},${y(errors[i])}`).join(" ") }), label(x(last) + 8, beside(truth.answer), `order ${short(truth.answer)}`, "found", "start"));
  }
  const orderAt = (px, py) => (px <= x(first) + 4 ? null : (py - y(1)) / (TALL - FOOT - 14) * DECADES / Math.log10(first * (last / first) ** ((px - x(first)) / (x(last) - x(first))) / first));
  return { plot, orderAt };
}

function render({ model, el }) {
  const asked = model.get("asked"), { kind, bins } = asked, group = `guess-${Math.random().toString(36).slice(2)}`;
  let alive = true, mine = model.get("guess"), counts = [...model.get("votes")], order = [], counting = counts.some(Boolean), waiting = false;
  const root = make("div", { className: "toylab-view toylab-predict" });
  const radios = kind === "options" ? bins.map((value) => make("input", { type: "radio", name: group, value, onchange: () => guess(value) })) : [];
  const slider = kind === "options" ? null : buildSlider(asked.name, (place) => guess(Number((asked.low + place * asked.step).toFixed(6))));
  const commit = make("button", { textContent: "Commit", onclick: reveal });
  const lecture = make("input", { type: "checkbox", checked: counting, onchange: () => { counting = lecture.checked; update(); if (counting) keys[0].focus(); } });
  const keys = bins.map((text, i) => make("button", { onclick: () => vote(i) }));
  const undo = make("button", { textContent: "take back", title: "Backspace", onclick: () => unvote() });
  const tally = make("div", { className: "tally", role: "group" },
    make("p", { textContent: `A class votes: press 1 to ${bins.length} once for each hand, Backspace to take back.` }), ...keys, undo);
  tally.setAttribute("aria-label", "Guesses of a class");
  const status = make("span", { className: "status", role: "status" }), note = make("p", { className: "note", role: "status", tabIndex: -1 });
  const error = make("p", { className: "error", role: "alert" }), figure = make("div", { className: "figure" });
  const choices = make("fieldset", { className: "choices" }, make("legend", { textContent: asked.question }),
    ...radios.map((radio) => make("label", { className: "check" }, radio, radio.value)), ...(slider ? [slider.row] : []));
  root.append(make("div", { className: "heading", textContent: "Your prediction" }), choices, figure,
    make("div", { className: "actions" }, commit, make("label", { className: "check" }, lecture, "count the guesses of a class"), status), tally, note, error);
  el.append(root);
  root.addEventListener("keydown", pressed);
  const room = () => Math.max(260, Math.min(WIDE, figure.clientWidth || WIDE)), resized = new ResizeObserver(() => requestAnimationFrame(update));
  resized.observe(root);

  function guess(value) {
    mine = value;
    update();
  }

  function vote(i) {
    counts[i] += 1;
    order.push(i);
    put(model, { votes: [...counts] });
    update();
  }

  function unvote() {
    const last = order.pop() ?? counts.findLastIndex(Boolean);
    if (counts[last]) counts[last] -= 1;
    put(model, { votes: [...counts] });
    update();
  }

  function pressed(event) {
    if (!counting || !alive || model.get("committed") || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = Number(event.key) - 1;
    if (/^[1-9]$/.test(event.key) && place < bins.length) vote(place);
    else if (event.key === "Backspace") unvote();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function reveal() {
    if (commit.disabled) return;
    waiting = true;
    put(model, { guess: mine, votes: [...counts] });
    put(model, { committed: true });
    if (model.get("sealed")) put(model, model.get("sealed")); // a page without a kernel, measured when it was made
    update();
  }

  function drag(event) {
    if (kind !== "slope" || model.get("committed") || !alive || (event.type === "pointermove" && !event.buttons)) return;
    const box = figure.firstChild.getBoundingClientRect(), scale = room() / box.width;
    const found = figure.orderAt((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    if (event.type === "pointerdown") figure.setPointerCapture(event.pointerId);
    if (found !== null) guess(Number(Math.min(asked.high, Math.max(asked.low, found)).toFixed(1)));
    event.preventDefault();
  }
  figure.addEventListener("pointerdown", drag);
  figure.addEventListener("pointermove", drag);

  function update() {
    const locked = model.get("committed") || waiting, truth = model.get("truth"), known = "answer" in truth, any = counts.some(Boolean);
    const failed = alive ? model.get("error") : GONE;
    if (locked) mine = model.get("guess") ?? mine;
    root.dataset.theme = pageTheme();
    root.dataset.state = failed ? "failed" : known ? "shown" : locked ? "busy" : "open";
    for (const input of [...radios, ...(slider ? [slider.range] : [])]) input.disabled = locked || !alive;
    for (const radio of radios) radio.checked = radio.value === mine;
    if (slider) setSlider(slider, Math.round((asked.high - asked.low) / asked.step), Math.round(((mine ?? (asked.low + asked.high) / 2) - asked.low) / asked.step), mine === null ? "no guess yet" : `${asked.name} ${short(mine)}`, mine === null ? "?" : short(mine));
    commit.disabled = locked || !alive || (mine === null && !any);
    commit.hidden = known;
    write(commit, mine === null && any ? "Measure" : "Commit (locks your guess)");
    lecture.disabled = locked || !alive;
    lecture.parentNode.hidden = known;
    tally.hidden = !counting || known;
    const most = Math.max(1, ...counts);
    keys.forEach((key, i) => {
      key.disabled = locked || !alive;
      write(key, `${i + 1}  ${bins[i]}: ${counts[i]}`);
      key.style.setProperty("--share", `${(100 * counts[i] / most).toFixed(1)}%`);
    });
    undo.disabled = locked || !alive || !any;
    write(status, failed ? "" : known ? "" : locked ? "measuring …" : "");
    write(error, failed);
    write(note, known ? model.get("note") : "");
    choices.classList.toggle("done", known && kind === "options");
    if (kind === "options") figure.replaceChildren(...(known ? [tableOf(asked, mine, truth, counts)] : []));
    else if (kind === "amount") figure.replaceChildren(...(known ? [amountPlot(asked, mine, truth, counts, room())] : []));
    else {
      const { plot, orderAt } = slopePlot(asked, mine, known ? truth : {}, known ? counts : [], room());
      figure.replaceChildren(plot);
      figure.orderAt = orderAt;
    }
    figure.firstChild?.setAttribute("aria-label", known ? `Guess ${mine === null ? "of the class" : said(mine)}, measured ${said(truth.answer)}` : "Drag the line to the order that you expect");
    figure.classList.toggle("drag", kind === "slope" && !locked);
  }

  const follow = () => { mine = model.get("guess"); update(); };
  const recount = () => { counts = [...model.get("votes")]; update(); };
  const arrived = () => {
    const here = waiting;
    waiting = false;
    update();
    if (here && (root.contains(document.activeElement) || document.activeElement === document.body)) note.focus({ preventScroll: true }); // the button is gone
  };
  const changes = { guess: follow, votes: recount, committed: update, truth: arrived, note: update, error: arrived };
  for (const [name, act] of Object.entries(changes)) model.on(`change:${name}`, act);
  const unwatch = watchTheme(update), unwatchKernel = watchKernel(model, (known) => { alive = known; update(); });
  update();
  return () => {
    for (const [name, act] of Object.entries(changes)) model.off(`change:${name}`, act);
    unwatch();
    unwatchKernel();
    resized.disconnect();
  };
}
