// Data drawn by hand: strokes of pen positions, made few enough for a short text (see toylab/datasets/drawn.py, which reads
// and writes the same), and a board to draw them on. parts.js stands before this.

const HALF = 3, LEVELS = 4096; // the board's reach, and the places along it that an address knows
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOST_POINTS = 400;

// strokes: [[[x, y], ...], ...], those of a second pen with the property `second`. In an address a coordinate takes two
// letters, strokes stand apart by a dot, and what the second pen drew begins with ~.
function writeDrawing(strokes) {
  const letters = (value) => {
    const level = Math.min(LEVELS - 1, Math.max(0, Math.round((value + HALF) / (2 * HALF) * (LEVELS - 1))));
    return DIGITS[level >> 6] + DIGITS[level & 63];
  };
  return strokes.map((stroke) => (stroke.second ? "~" : "") + stroke.map(([x, y]) => letters(x) + letters(y)).join("")).join(".");
}

function readDrawing(text) {
  let left = MOST_POINTS;
  return text.split(".").map((given) => {
    const second = given.startsWith("~"), part = second ? given.slice(1) : given, stroke = by(second, []);
    for (let i = 0; i + 4 <= part.length && left > 0; i += 4, left--) {
      const [a, b, c, d] = [...part.slice(i, i + 4)].map((letter) => DIGITS.indexOf(letter));
      if (Math.min(a, b, c, d) < 0) break;
      stroke.push([(64 * a + b) / (LEVELS - 1) * 2 * HALF - HALF, (64 * c + d) / (LEVELS - 1) * 2 * HALF - HALF]);
    }
    return stroke;
  }).filter((stroke) => stroke.length);
}

// A stroke as one of the second pen, or of the first.
const by = (second, stroke) => Object.assign(stroke, { second });

// The strokes with at most MOST_POINTS points in all, as near to the drawing as that allows.
function simplified(strokes) {
  strokes = strokes.slice(0, MOST_POINTS / 2);
  for (let tolerance = 0.008; ; tolerance *= 1.6) {
    const fewer = strokes.map((stroke) => by(stroke.second, thinned(stroke, tolerance)));
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

function drawStroke(ctx, points, color) {
  ctx.strokeStyle = color;
  ctx.beginPath();
  ctx.moveTo(...points[0]);
  for (const point of points) ctx.lineTo(...point);
  ctx.stroke();
}

// A board to draw on, by pointer or by keys. changed(resting) is called at each change, resting: no stroke goes on.
function buildBoard(changed) {
  const SIZE = 320;
  const canvas = make("canvas", { width: 2 * SIZE, height: 2 * SIZE, className: "board", tabIndex: 0, role: "img", "aria-label": "Board" });
  const place = ([x, y]) => [SIZE * (1 + x / HALF), SIZE * (1 - y / HALF)];
  let strokes = [], pen = [0, 0], second = false, down = false, off = false;

  function draw() {
    const ctx = canvas.getContext("2d"), style = getComputedStyle(canvas);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    const ink = [style.color, style.getPropertyValue("--second")];
    ctx.lineWidth = 6;
    ctx.lineCap = ctx.lineJoin = "round";
    for (const stroke of strokes) drawStroke(ctx, stroke.map(place), ink[stroke.second ? 1 : 0]);
    ctx.strokeStyle = ink[second ? 1 : 0];
    ctx.lineWidth = 2;
    const [x, y] = place(pen);
    ctx.strokeRect(x - 6, y - 6, 12, 12);
    canvas.setAttribute("aria-label", `Board with ${said()}; ${second ? "second " : ""}pen ${down ? "down" : "up"} at ${pen.map((value) => value.toFixed(1)).join(", ")}`);
  }

  const said = () => `${strokes.length} stroke${strokes.length === 1 ? "" : "s"}`;

  function show() {
    draw();
    changed(!down);
  }

  function go(point) {
    pen = point.map((value) => Math.min(HALF, Math.max(-HALF, value)));
    if (down) strokes.at(-1).push(pen);
    show();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [(2 * (event.clientX - box.left) / box.width - 1) * HALF, (1 - 2 * (event.clientY - box.top) / box.height) * HALF];
  }

  canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // or a quick stroke is a fling, which swallows the next tap
  canvas.onpointerdown = (event) => {
    event.preventDefault();
    if (off) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus();
    down = true;
    strokes.push(by(second, []));
    go(at(event));
  };
  canvas.onpointermove = (event) => {
    const all = event.getCoalescedEvents?.() ?? [];
    if (down && event.buttons) for (const each of all.length ? all : [event]) go(at(each));
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!down) return;
    down = false;
    show();
  };
  canvas.onkeydown = (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if ((!move && event.key !== " ") || off) return;
    event.preventDefault();
    if (move) return go(pen.map((value, axis) => value + move[axis] * (event.shiftKey ? 0.5 : 0.1)));
    down = !down;
    if (down) strokes.push(by(second, [pen]));
    show();
  };
  return {
    canvas, draw, said,
    strokes: () => strokes,
    set(given) { strokes = given.map((stroke) => by(stroke.second, [...stroke])); down = false; show(); },
    take(other) { second = other; down = false; show(); },
    undo() { strokes.pop(); down = false; show(); },
    lock(locked) { off = locked; },
  };
}
