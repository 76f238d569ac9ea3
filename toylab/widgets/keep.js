// What is shown, to keep: its picture, and its link. parts.js stands before this.

// Panels [{ canvases, lines }] with their words, the first in bold, as one canvas, whose type is as large as on the page.
function pictureOf(panels, { back, mark }, title) {
  const ratio = devicePixelRatio, type = 15 * ratio, gap = 12 * ratio, box = (canvas) => canvas.getBoundingClientRect();
  const side = Math.max(...panels.flatMap(({ canvases }) => canvases.map((canvas) => box(canvas).width * ratio)));
  const tall = Math.max(...panels.map(({ canvases }) => canvases.reduce((sum, canvas) => sum + box(canvas).height * ratio + gap / 2, -gap / 2)));
  const head = 1.13 * type * Math.max(...panels.map(({ lines }) => lines.length));
  const columns = panels.length < 4 ? panels.length : Math.ceil(panels.length / 2), rows = Math.ceil(panels.length / columns);
  const canvas = make("canvas", { width: columns * (side + gap) + gap, height: rows * (tall + head + gap) + gap + 2 * type }), ctx = canvas.getContext("2d");
  ctx.fillStyle = back;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.imageSmoothingEnabled = false;
  const text = (words, x, y, weight = 400) => {
    ctx.font = `${weight} ${type}px system-ui, "DejaVu Sans", sans-serif`;
    ctx.fillStyle = mark;
    ctx.fillText(words, x, y, weight === 400 ? side : undefined);
  };
  text(title, gap, gap + type, 600);
  panels.forEach(({ canvases, lines }, i) => {
    const x = gap + (i % columns) * (side + gap);
    let y = gap + 2 * type + Math.floor(i / columns) * (tall + head + gap);
    lines.forEach((line, k) => text(line.replaceAll("\n", ", "), x, y + (1 + 1.07 * k) * type, k ? 400 : 600));
    y += head;
    for (const each of canvases) {
      const { width, height } = box(each);
      ctx.drawImage(each, x, y, width * ratio, height * ratio);
      y += height * ratio + gap / 2;
    }
  });
  return canvas;
}

function download(canvas, name) {
  canvas.toBlob((blob) => {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// Puts a text where others can paste it, and says so with `copied`; where the browser forbids that, says the text itself.
async function copy(text, say, copied) {
  try { await navigator.clipboard.writeText(text); say(copied); }
  catch { say(`The browser does not let this page copy. Here it is: ${text}`); }
}
