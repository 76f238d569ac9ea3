// A drawing as a geometry of the core, and the dialog it is made in; its text and its board are the widgets' (drawing.js).

const DRAWN_ARCS = 300;

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
function buildDrawing(use) {
  const note = make("p", { className: "note", role: "status" });
  const board = buildBoard(() => write(note, board.strokes().length ? board.said() : ""));
  const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
  const dialog = make("dialog", { className: "drawing", "aria-label": "Draw the data" },
    make("p", { textContent: "Draw one or more strokes: the data is spread evenly along them." }), board.canvas, note,
    make("p", { className: "note", textContent: "With keys: arrows move the pen (Shift: further), Space puts it down and lifts it." }),
    make("div", { className: "row" },
      button("Use drawing", finish), button("Undo stroke", () => board.undo()),
      button("Clear", () => board.set([])), button("Cancel", () => dialog.close())));

  function finish() {
    const drawn = board.strokes().reduce((sum, stroke) => sum + stroke.length, 0);
    if (!drawn) return write(note, "Nothing is drawn yet.");
    dialog.close();
    use(simplified(board.strokes()), drawn);
  }

  return { dialog, open(given) { dialog.showModal(); board.canvas.focus(); board.set(given); } };
}
