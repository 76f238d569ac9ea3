// What is shown, to keep: its link, and its picture.

// The panels with their words as one picture, whose type is as large as on the page.
function pictureOf(panels, theme, title) {
  const ratio = devicePixelRatio, type = 15 * ratio, side = panels[0].canvas.width, gap = 12 * ratio, head = 3.4 * type;
  const columns = panels.length < 4 ? panels.length : Math.ceil(panels.length / 2), rows = Math.ceil(panels.length / columns);
  const canvas = make("canvas", { width: columns * (side + gap) + gap, height: rows * (side + head + gap) + gap + 2 * type }), ctx = canvas.getContext("2d");
  ctx.fillStyle = INKS[theme].back;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  const text = (words, x, y, weight = 400) => {
    ctx.font = `${weight} ${type}px system-ui, "DejaVu Sans", sans-serif`;
    ctx.fillStyle = INKS[theme].mark;
    ctx.fillText(words, x, y, side);
  };
  text(title, gap, gap + type, 600);
  panels.forEach((panel, i) => {
    const x = gap + (i % columns) * (side + gap), y = gap + 2 * type + Math.floor(i / columns) * (side + head + gap);
    const line = (part) => part.textContent.replaceAll("\n", ", ");
    text(panel.name.textContent, x, y + type, 600);
    text(line(panel.counts), x, y + 2.1 * type);
    text(line(panel.score), x, y + 3.1 * type);
    ctx.drawImage(panel.canvas, x, y + head);
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
