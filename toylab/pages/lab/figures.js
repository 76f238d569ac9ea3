// Two log-log figures as SVG: error against steps with the order it shows, error against evaluations with its best.

const SVG = "http://www.w3.org/2000/svg";
const MARKS = { // by matplotlib's name
  o: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", s: "M-3.6-3.6h7.2v7.2h-7.2z", D: "M0-5L5 0L0 5L-5 0z", "^": "M0-4.8L4.6 3.6h-9.2z",
  v: "M0 4.8L4.6-3.6h-9.2z", P: "M-1.6-4.8h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2z",
  X: "M-2.2-4.6L0-2.3L2.2-4.6L4.6-2.2L2.3 0L4.6 2.2L2.2 4.6L0 2.3L-2.2 4.6L-4.6 2.2L-2.3 0L-4.6-2.2z",
};
const STARS = { "★": "the best", "☆": "the best of its family" };
const HIGHEST = 30; // errors beyond are drawn at the top: a method has blown up

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function power(exponent) {
  const small = [...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${small}`;
}

// found: { lines: [{ x, errors, order?, window? }], floor }; methods: [{ label, style }]. The figure, width by height.
function drawFigure({ lines, floor, network }, methods, theme, { width, height, scale, fixed, xLabel, ticks, tickLabel = String, value, stars = [] }) {
  [width, height] = [width / scale, height / scale];
  const beside = width >= 420, row = beside ? Math.min(26, (height - 42) / Math.max(4, lines.length)) : 22; // of the legend
  const box = { left: 46, right: beside ? width - 196 : width - 8, top: 8, bottom: height - 34 };
  const columns = width < 330 ? 1 : 2, below = beside ? 0 : row * Math.ceil(methods.length / columns); // of the legend
  if (fixed) box.bottom -= below;
  else height += below;
  const errors = [...lines.flatMap((line) => line.errors), network].filter((error) => Number.isFinite(error) && error > 0);
  const low = Math.floor(Math.log10(Math.max(1e-15, Math.min(1, ...errors)))), high = Math.ceil(Math.log10(Math.min(HIGHEST, Math.max(1e-2, ...errors))));
  const from = Math.min(ticks[0], ...lines.flatMap((line) => line.x));
  const x = (at) => box.left + 10 + (box.right - box.left - 20) * Math.log(at / from) / Math.log(ticks.at(-1) / from);
  const y = (error) => {
    const part = (Math.log10(Math.max(error, 10 ** low)) - low) / (high - low);
    return box.bottom - (box.bottom - box.top) * (Number.isFinite(part) ? Math.min(1, part) : 1);
  };
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: width * scale, height: height * scale, class: "figure", role: "group", "aria-label": xLabel });
  const text = (content, at, anchor, more = {}) => svg("text", { x: at[0], y: at[1], "text-anchor": anchor, ...more }, content);
  for (const tick of ticks) root.append(text(tickLabel(tick), [x(tick), box.bottom + 15], "middle"), svg("line", { x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom, class: "grid" }));
  const stride = Math.ceil((high - low) / 6);
  for (let exponent = low; exponent <= high; exponent += stride)
    root.append(text(power(exponent), [box.left - 5, y(10 ** exponent) + 4], "end"), svg("line", { x1: box.left, x2: box.right, y1: y(10 ** exponent), y2: y(10 ** exponent), class: "grid" }));
  root.append(text(xLabel, [(box.left + box.right) / 2, box.bottom + 30], "middle", { class: "label" }));
  if (floor > 10 ** low) root.append(svg("line", { x1: box.left, x2: box.right, y1: y(floor), y2: y(floor), class: "floor" }));
  if (network) root.append(svg("line", { x1: box.left, x2: box.right, y1: y(network), y2: y(network), class: "network" }), text("network", [box.left + 4, y(network) - 4], "start", { class: "label" }));
  // A line, its marks, its place in the legend and its name: pointed at or focused, all other lines fade.
  lines.forEach((line, i) => {
    const { label, style } = methods[i], color = style[theme], points = line.x.map((at, k) => [x(at), y(line.errors[k])]);
    const path = points.map(([px, py], k) => `${k ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
    const marks = points.map(([px, py], k) => {
      const out = !(line.errors[k] <= 10 ** high), hollow = line.window && !line.window[k];
      return svg("path", { d: out ? "M0-7L5 0H1.5V6H-1.5V0H-5z" : MARKS[style.marker], transform: `translate(${px.toFixed(1)} ${py.toFixed(1)})`, stroke: color, "stroke-width": 1.8, fill: hollow ? "var(--back)" : color });
    });
    const top = beside ? box.top + 12 + i * row : box.bottom + 34 + row * (1 + Math.floor(i / columns)) - 6;
    const left = beside ? box.right + 12 : 4 + (i % columns) * width / columns;
    const said = `${label}: ${value(line)}${stars[i] ? `, ${STARS[stars[i]]}` : ""}`;
    root.append(svg("g", { class: "line", tabindex: 0, role: "img", "aria-label": said },
      svg("path", { d: path, fill: "none", stroke: "transparent", "stroke-width": 14, "pointer-events": "stroke" }),
      svg("path", { d: path, fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": style.dash.join(" ") }), ...marks,
      svg("line", { x1: left, x2: left + 24, y1: top - 4, y2: top - 4, stroke: color, "stroke-width": 2.5, "stroke-dasharray": style.dash.join(" ") }),
      svg("path", { d: MARKS[style.marker], transform: `translate(${left + 12} ${top - 4})`, stroke: color, "stroke-width": 1.8, fill: color }),
      text(`${value(line)}${stars[i] ? ` ${stars[i]}` : ""}  ${shortened(label, beside ? 12 : Math.max(9, Math.floor(width / 16) - 12))}`, [left + 30, top], "start", { class: "legend" }),
      text(said.length > 36 ? `${said.slice(0, 35)}…` : said, [(box.left + box.right) / 2, box.top + 10], "middle", { class: "named" })));
  });
  return root;
}

// What tells variants of a method apart is the last part of their labels.
function shortened(label, most) {
  const told = label.length > most ? label.split(", ").at(-1) : label;
  return told.length > most ? `${told.slice(0, most - 1)}…` : told;
}

// The order, where the errors show one.
const orderOf = ({ order, window, asymptotic }) => (asymptotic ? order.toFixed(2) : window.some(Boolean) ? "not yet" : "–");
const errorAt = (line, budget) => {
  const k = line.x.findLastIndex((at) => at <= budget);
  return k < 0 ? NaN : line.errors[k];
};

// By method: ★ for the least error of all, ☆ for the least of another family, nothing for the others.
function starsOf(errors, methods) {
  const best = {}, family = (i) => methods[i].style.family, finite = errors.filter((error) => Number.isFinite(error));
  errors.forEach((error, i) => { if (Number.isFinite(error) && !(errors[best[family(i)]] <= error)) best[family(i)] = i; });
  return errors.map((error, i) => (best[family(i)] !== i ? "" : error === Math.min(...finite) ? "★" : "☆"));
}

// The same numbers for those who hear the page.
function tableOf(found, methods, head, cells) {
  return make("table", { className: "heard" }, make("caption", { textContent: head[0] }),
    make("tr", {}, ...head.slice(1).map((name) => make("th", { scope: "col", textContent: name }))),
    ...found.lines.map((line, i) => make("tr", {}, make("th", { scope: "row", textContent: methods[i].label }), ...cells(line).map((cell) => make("td", { textContent: cell })))));
}

// A section with a title, the figure, and a sentence about it.
function buildFigure(title) {
  const note = make("p", { className: "note" }), holder = make("div", { className: "holder" }), heading = make("h2", { textContent: title }), head = make("div", { className: "titled" }, heading);
  return { note, holder, heading, head, node: make("section", { className: "measured", "aria-label": title }, head, holder, note) };
}

function showOrder(parts, found, methods, theme, size) {
  const shape = { ...size, xLabel: "steps", ticks: found.lines[0]?.x ?? [40, 320], value: orderOf };
  parts.holder.replaceChildren(drawFigure(found, methods, theme, shape),
    tableOf(found, methods, ["Measured order", size.of ?? "method", "order", ...shape.ticks.map((steps) => `error, ${steps} steps`)], (line) => [orderOf(line).replace("yet", "yet asymptotic"), ...line.errors.map(number)]));
  write(parts.note, `Fitted slope, at t_end ${found.tEnd}${found.spread === null ? ", of the network" : `, spread ${found.spread}`}. Hollow marks: not (yet) on the line; “not yet”: too few steps for an order; “–”: at round-off.`);
}

function showWork(parts, found, methods, theme, size) {
  const budget = size.budget, errors = found.lines.map((line) => errorAt(line, budget));
  const shape = { ...size, xLabel: "network evaluations (NFE)", ticks: [5, 10, 20, 40, 80, 160], value: (line) => number(errorAt(line, budget)), stars: found.done ? starsOf(errors, methods) : [] };
  parts.holder.replaceChildren(drawFigure(found, methods, theme, shape),
    tableOf(found, methods, ["Error against evaluations", "method", "evaluations and error"], (line) => [line.x.map((nfe, k) => `${nfe}: ${number(line.errors[k])}`).join("; ")]));
  const against = found.network ? `the network’s own exact flow. Thick line: ${number(found.network)}, the network’s error, which no solver removes` : "the exact flow";
  write(parts.note, `Rms end-point error against ${against}. Numbers: within ${budget} evaluations; ★ the least, ☆ of another family. ↑: beyond the figure.`);
}

// Distance to the data against the end-point error: a method may be far from the flow and near the data.
function showTrade(parts, found, methods, theme, size) {
  const lines = found.lines.map(({ x, errors, distances }) => {
    const shown = errors.map((error, k) => k).filter((k) => errors[k] > 0 && errors[k] <= HIGHEST);
    return { x: shown.map((k) => errors[k]), errors: shown.map((k) => distances[k]), within: errorAt({ x, errors: distances }, size.budget) };
  });
  const decades = lines.flatMap((line) => line.x).map(Math.log10), low = Math.floor(Math.min(-2, ...decades)), high = Math.ceil(Math.max(0, ...decades));
  const shape = { ...size, xLabel: "end-point error", ticks: Array.from({ length: high - low + 1 }, (_, k) => 10 ** (low + k)), tickLabel: (tick) => power(Math.round(Math.log10(tick))), value: (line) => number(line.within) };
  parts.holder.replaceChildren(drawFigure({ lines, floor: found.distance }, methods, theme, shape),
    tableOf({ lines }, methods, ["Distance against error", "method", "error and distance"], (line) => [line.x.map((error, k) => `${number(error)}: ${number(line.errors[k])}`).join("; ")]));
  write(parts.note, `Mean distance to the data against rms end-point error. Dotted: the flow’s distance. Numbers: distance within ${size.budget} evaluations.`);
}

// The nodes of `steps` steps even in every clock, a row each, from noise (left) to data.
function drawNodes(schedule, steps, tEnd, spacings, theme, { width }) {
  const row = 22, left = 70, height = row * spacings.length + 24, root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "figure", role: "img", "aria-label": `Where ${steps} steps go with each clock` });
  const x = (t) => left + (width - left - 14) * (schedule.tMax - t) / (schedule.tMax - tEnd);
  spacings.forEach(({ label, style }, i) => {
    const y = 12 + i * row, times = [...nodesOf(schedule, steps, schedule.tMax, tEnd, label)];
    root.append(svg("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, label), svg("line", { x1: x(schedule.tMax), x2: x(tEnd), y1: y, y2: y, class: "grid" }),
      ...times.map((t) => svg("path", { d: MARKS[style.marker], transform: `translate(${x(t).toFixed(1)} ${y})`, fill: style[theme] })));
  });
  root.append(svg("text", { x: left, y: height - 2, "text-anchor": "start" }, `t = ${schedule.tMax}`), svg("text", { x: width - 2, y: height - 2, "text-anchor": "end" }, `t = ${tEnd}`));
  return root;
}
