// A panel beside the grids: where all images are in the plane of the data's first two principal components, and the way
// of the one with a frame. parts.js and panels.js stand before this.

const NEAR = 24; // CSS pixels within which a click finds an image

// A view's images at node k as CSS pixels [x, y] of a square of `side`; those outside are on its border.
function placesAt(data, view, i, k, side) {
  const points = data.arrays[`place_${i}_${view.count}`], half = side / 2, unit = half / data.plane.window;
  return Array.from({ length: data.images }, (_, image) => {
    const at = 2 * (k * data.images + image), x = points[at] * unit, y = points[at + 1] * unit;
    const onto = Math.max(1, Math.abs(x) / (half - 4), Math.abs(y) / (half - 4));
    return [half + x / onto, half - y / onto];
  });
}

// choose: { image(i): selects it, by: a listener of keys }; shown(): as `resolve` gives it.
function buildPlane(data, choose, shown) {
  const parts = { time: make("span", { className: "time" }), side: 0 };
  const at = ({ clientX, clientY }) => {
    const box = parts.canvas.getBoundingClientRect();
    let best = -1, least = NEAR;
    shown().views.forEach((view, i) => view.count && placesAt(data, view, i, view.k, parts.side).forEach(([x, y], image) => {
      const away = Math.hypot(x - clientX + box.left, y - clientY + box.top);
      if (away < least) [best, least] = [image, away];
    }));
    if (best >= 0) choose.image(best);
  };
  parts.canvas = make("canvas", { tabIndex: 0, role: "img", onclick: at, onkeydown: choose.by });
  parts.node = make("div", { className: "panel" },
    make("div", { className: "head" }, make("b", { className: "name", textContent: "principal plane" }),
      make("span", { className: "counts", textContent: data.plane.shares }), parts.time),
    make("div", { className: "stage" }, parts.canvas));
  return parts;
}

function drawPlane(plane, data, { views, t }, image, theme, style) {
  const { canvas, side } = plane, ctx = fit(canvas, side, devicePixelRatio), half = side / 2;
  const ink = (name) => style.getPropertyValue(`--${name}`), disc = ([x, y], radius) => { ctx.moveTo(x + radius, y); ctx.arc(x, y, radius, 0, 2 * Math.PI); };
  const filled = (color, places, radius) => {
    ctx.fillStyle = color;
    ctx.beginPath();
    places.forEach((place) => disc(place, radius));
    ctx.fill();
  };
  write(plane.time, clock(t));
  filled(ink("back"), [[half, half]], side);
  const { real } = data.arrays, unit = half / data.plane.window;
  filled(`${ink("soft").trim()}80`, Array.from({ length: real.length / 2 }, (_, p) => [half + real[2 * p] * unit, half - real[2 * p + 1] * unit]), 1.5);
  const runs = views.map((view, i) => ({ view, i, color: view.panel.color[theme] })).filter(({ view }) => view.count);
  for (const { view, i, color } of runs) filled(image < 0 ? color : `${color}59`, placesAt(data, view, i, view.k, side), 2.5);
  for (const { view, i, color } of image < 0 ? [] : runs) {
    const way = Array.from({ length: view.k + 1 }, (_, k) => placesAt(data, view, i, k, side)[image]);
    ctx.strokeStyle = color;
    ctx.lineWidth = 2;
    ctx.setLineDash(view.panel.dash);
    ctx.beginPath();
    way.forEach(([x, y], k) => (k ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.stroke();
    ctx.setLineDash([]);
    filled(color, way, 3);
    ctx.strokeStyle = ink("ink");
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    disc(way.at(-1), 6);
    ctx.stroke();
  }
  const where = ({ view, i }) => [0, 1].map((axis) => data.arrays[`place_${i}_${view.count}`][2 * (view.k * data.images + image) + axis].toFixed(2)).join(", ");
  const told = image < 0 ? "Arrow keys choose an image." : `image ${image + 1}: ${runs.map((run) => `${run.view.panel.title} at ${where(run)}`).join("; ")}`;
  canvas.setAttribute("aria-label", `The principal plane at ${clock(t)}, ${data.images} images of each method; ${told}`);
}
