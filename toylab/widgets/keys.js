// Lecture mode, of widgets as of the live page: everything by keys, a list of them, a black screen, the full screen.
// parts.js stands before this.

// The rows that every lecture has, after those of its own.
const LECTURE_KEYS = [
  ["H", "controls shown, hidden"], ["T", "light, dark"], ["D", "density"], ["B or .", "a black screen"], ["F", "full screen"], ["?", "this list"],
  ["Esc", "leave"],
];

// rows: [[key, what it does]]; doing: {key: act}; digit(number): 0 to `digits`; isOn(): whether the lecture goes on;
// leave(): ends it; node(): what fills the screen; say(words). Gives { help, black, key }: a dialog, a cover, a listener.
function buildKeys({ rows, doing, digits, digit, isOn, leave, node, say }) {
  const help = make("dialog", { className: "keys", "aria-label": "Keys of the lecture mode" },
    make("dl", {}, ...[...rows, ...LECTURE_KEYS].flatMap(([name, does]) => [make("dt", { textContent: name }), make("dd", { textContent: does })])),
    make("button", { type: "button", textContent: "Close", onclick: () => help.close() }));
  const black = make("div", { className: "black", hidden: true }), darken = () => { black.hidden = !black.hidden; };
  const all = {
    ...doing, b: darken, ".": darken, f: () => fullScreen(node(), say), "?": () => help.showModal(),
    Escape: () => { if (!black.hidden) black.hidden = true; else leave(); },
  };

  function key(event) {
    const { tagName, type } = event.target, slider = type === "range", typed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (tagName === "SELECT" || (tagName === "INPUT" && !["range", "checkbox", "radio"].includes(type))) return;
    if (slider && /^(Arrow|Home|End)/.test(event.key)) return; // the slider's own
    if (event.key === " " && (tagName === "BUTTON" || tagName === "INPUT")) return;
    const number = /^\d$/.test(typed) && Number(typed) <= digits ? Number(typed) : null;
    if (number === null && !Object.hasOwn(all, typed)) return;
    event.preventDefault();
    event.stopPropagation();
    if (number === null) all[typed]();
    else digit(number);
  }

  return { help, black, key };
}

async function fullScreen(node, say) {
  try { await (document.fullscreenElement ? document.exitFullscreen() : node.requestFullscreen()); }
  catch { say("The browser allows no full screen here."); }
}

// The largest squares that `count` panels can be, whose words stand beside them and take so much width: [columns, size].
// `tall`: how many times as high as wide a panel is; `wide`: how many of them are side by side in a panel.
function stageGrid(count, width, height, gap, words, tall = 1, wide = 1) {
  const sizes = Array.from({ length: count }, (_, i) => {
    const columns = i + 1, rows = Math.ceil(count / columns);
    return Math.floor(Math.min(((width - gap * (columns - 1)) / columns - words) / wide, (height - gap * (rows - 1)) / rows / tall));
  });
  const size = Math.max(...sizes);
  return [sizes.indexOf(size) + 1, Math.max(size, 100)];
}

const typeOnStage = () => Math.max(18, innerWidth * 0.0235); // CSS pixels, for the back row
