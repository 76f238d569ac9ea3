// Data drawn by hand: strokes of pen positions, made few enough for an address, into a geometry of the core; and the
// board they are drawn on, by pointer or by keys.

const HALF = 3, LEVELS = 4096; // the board's reach, and the places along it that an address knows
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOST_POINTS = 400, DRAWN_ARCS = 300;

// strokes: [[[x, y], ...], ...]. In an address a coordinate takes two letters, and strokes stand apart by a dot.
function writeDrawing(strokes) {
  const letters = (value) => {
    const level = Math.min(LEVELS - 1, Math.max(0, Math.round((value + HALF) / (2 * HALF) * (LEVELS - 1))));
    return DIGITS[level >> 6] + DIGITS[level & 63];
  };
  return strokes.map((stroke) => stroke.map(([x, y]) => letters(x) + letters(y)).join("")).join(".");
}

function readDrawing(text) {
  let left = MOST_POINTS;
  return text.split(".").map((part) => {
    const stroke = [];
    for (let i = 0; i + 4 <= part.length && left > 0; i += 4, left--) {
      const [a, b, c, d] = [...part.slice(i, i + 4)].map((letter) => DIGITS.indexOf(letter));
      if (Math.min(a, b, c, d) < 0) break;
      stroke.push([(64 * a + b) / (LEVELS - 1) * 2 * HALF - HALF, (64 * c + d) / (LEVELS - 1) * 2 * HALF - HALF]);
    }
    return stroke;
  }).filter((stroke) => stroke.length);
}

// The strokes with at most MOST_POINTS points in all, as near to the drawing as that allows.
function simplified(strokes) {
  strokes = strokes.slice(0, MOST_POINTS / 2);
  for (let tolerance = 0.008; ; tolerance *= 1.6) {
    const fewer = strokes.map((stroke) => thinned(stroke, tolerance));
    if (fewer.reduce((sum, stroke) => sum + stroke.length, 0) <= MOST_POINTS) return fewer;
  }
}

// Ramer, Douglas and Peucker: the points without those closer than `tolerance` to the line between their neighbours.
function thinned(stroke, tolerance) {
  const keep = new Set([0, stroke.length - 1]), open = [[0, stroke.length - 1]];
  while (open.length) {
    const [first, last] = open.pop(), [[x0, y0], [x1, y1]] = [stroke[first], stroke[last]];
    const length = Math.hypot(x1 - x0, y1 - y0);
    let worst = tolerance, at = -1;
    for (let i = first + 1; i < last; i++) {
      const [x, y] = stroke[i];
      const away = length ? Math.abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length : Math.hypot(x - x0, y - y0);
      if (away > worst) [worst, at] = [away, i];
    }
    if (at < 0) continue;
    keep.add(at);
    open.push([first, at], [at, last]);
  }
  return [...keep].sort((a, b) => a - b).map((i) => stroke[i]);
}

// A geometry of mean zero and variance one by arc length, like all data sets; null where nothing is drawn.
function geometryOf(strokes) {
  const lines = strokes.map((stroke) => (stroke.length > 1 ? stroke : [stroke[0], [stroke[0][0] + 0.02, stroke[0][1]]]).flat());
  const lengths = lines.map(lengthOf), size = lengths.reduce((sum, length) => sum + length, 0);
  if (!(size > 0)) return null;
  const even = lines.map((line, i) => resampled(line, 2 * Math.max(1, Math.ceil(DRAWN_ARCS * lengths[i] / size))));
  const all = even.flat(), count = all.length / 2;
  const mean = [0, 1].map((axis) => all.reduce((sum, value, j) => sum + (j % 2 === axis ? value : 0), 0) / count);
  const scale = 1 / Math.sqrt(all.reduce((sum, value, j) => sum + (value - mean[j % 2]) ** 2, 0) / (2 * count));
  return { strokes: even.map((line) => line.map((value, j) => (value - mean[j % 2]) * scale)) };
}

// `pieces` + 1 points evenly along a polyline [x, y, x, y, ...].
function resampled(line, pieces) {
  const ends = [0], out = [];
  for (let j = 2; j < line.length; j += 2) ends.push(ends.at(-1) + Math.hypot(line[j] - line[j - 2], line[j + 1] - line[j - 1]));
  for (let k = 0, i = 0; k <= pieces; k++) {
    const at = ends.at(-1) * k / pieces;
    while (i < ends.length - 2 && ends[i + 1] < at) i++;
    const part = ends[i + 1] > ends[i] ? Math.min(1, (at - ends[i]) / (ends[i + 1] - ends[i])) : 0;
    out.push(line[2 * i] + part * (line[2 * i + 2] - line[2 * i]), line[2 * i + 1] + part * (line[2 * i + 3] - line[2 * i + 1]));
  }
  return out;
}

// A dialog with a board. `use(strokes)` gets what was drawn; strokes may be given to go on from.
function buildBoard(use) {
  const SIZE = 320;
  const canvas = make("canvas", { width: 2 * SIZE, height: 2 * SIZE, className: "board", tabIndex: 0, role: "img", "aria-label": "Board" });
  const place = ([x, y]) => [SIZE * (1 + x / HALF), SIZE * (1 - y / HALF)];
  let strokes = [], pen = [0, 0], down = false;
  const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
  const note = make("p", { className: "note", role: "status" });
  const dialog = make("dialog", { className: "drawing", "aria-label": "Draw the data" },
    make("p", { textContent: "Draw one or more strokes: the data is spread evenly along them." }), canvas, note,
    make("p", { className: "note", textContent: "With keys: arrows move the pen (Shift: further), Space puts it down and lifts it." }),
    make("div", { className: "row" },
      button("Use drawing", finish), button("Undo stroke", () => { strokes.pop(); down = false; draw(); }),
      button("Clear", () => { strokes = []; down = false; draw(); }), button("Cancel", () => dialog.close())));

  function finish() {
    const drawn = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    if (!drawn) return write(note, "Nothing is drawn yet.");
    dialog.close();
    use(simplified(strokes), drawn);
  }

  function draw() {
    const ctx = canvas.getContext("2d"), style = getComputedStyle(canvas);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.strokeStyle = ctx.fillStyle = style.color;
    ctx.lineWidth = 6;
    ctx.lineCap = ctx.lineJoin = "round";
    ctx.beginPath();
    for (const stroke of strokes) {
      ctx.moveTo(...place(stroke[0]));
      for (const point of stroke) ctx.lineTo(...place(point));
    }
    ctx.stroke();
    ctx.lineWidth = 2;
    const [x, y] = place(pen);
    ctx.strokeRect(x - 6, y - 6, 12, 12);
    canvas.setAttribute("aria-label", `Board with ${strokes.length} stroke${strokes.length === 1 ? "" : "s"}; pen ${down ? "down" : "up"} at ${pen.map((value) => value.toFixed(1)).join(", ")}`);
    write(note, strokes.length ? `${strokes.length} stroke${strokes.length === 1 ? "" : "s"}` : "");
  }

  function go(point) {
    pen = point.map((value) => Math.min(HALF, Math.max(-HALF, value)));
    if (down) strokes.at(-1).push(pen);
    draw();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [(2 * (event.clientX - box.left) / box.width - 1) * HALF, (1 - 2 * (event.clientY - box.top) / box.height) * HALF];
  }

  canvas.onpointerdown = (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus();
    down = true;
    strokes.push([]);
    go(at(event));
  };
  canvas.onpointermove = (event) => {
    const all = event.getCoalescedEvents?.() ?? [];
    if (down && event.buttons) for (const each of all.length ? all : [event]) go(at(each));
  };
  canvas.onpointerup = canvas.onpointercancel = () => { down = false; draw(); };
  canvas.onkeydown = (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    if (move) return go(pen.map((value, axis) => value + move[axis] * (event.shiftKey ? 0.5 : 0.1)));
    down = !down;
    if (down) strokes.push([pen]);
    draw();
  };
  return { dialog, open(given) { strokes = given.map((stroke) => [...stroke]); down = false; dialog.showModal(); canvas.focus(); draw(); } };
}
