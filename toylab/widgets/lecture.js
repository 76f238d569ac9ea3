// What player and gallery offer beside their panels: a lecture mode, their picture, and a link to the same state of the
// live page. parts.js, panels.js, keys.js and keep.js stand before this.

const WIDGET_KEYS = [
  ["← →", "fewer, more steps (or evaluations)"], ["↑ ↓", "a node on, back in time"], ["Space", "play, pause"],
  ["1, 2, …", "one method alone; again or 0: all"], ["P", "cover the results, for a prediction; again: show them"],
];

// act: { shown(): as resolve gives it, data(), play, panels(): as for pictureOf, words(): the state as text, redraw() }.
function buildLecture(model, root, act) {
  const on = { stage: false, hide: true, only: 0, covered: false };
  const note = make("span", { className: "said", role: "status" });
  let forget = 0;
  const say = (words) => { write(note, words); clearTimeout(forget); forget = setTimeout(() => write(note, ""), 12000); };
  const button = (textContent, onclick, title) => make("button", { type: "button", textContent, onclick, title });
  const node = make("div", { className: "offers" }, note,
    button("Lecture", enter, "Lecture mode: full screen, large type, all by keys"),
    button("Save picture", save, "The panels as a PNG"), button("Copy link", link, "A link to the same state of the live page"));
  const change = (changes) => { Object.assign(on, changes); act.redraw(); };
  const within = (value, most) => Math.min(most, Math.max(0, value));
  const step = (by) => put(model, { step_index: within(act.shown().choice + by, act.shown().choices.length - 1) });
  const time = (by) => { act.play.stop(); put(model, { progress: within(act.shown().node + by, act.shown().nodes) / act.shown().nodes }); };
  const keys = buildKeys({
    rows: WIDGET_KEYS, digits: 8, isOn: () => on.stage, leave, node: () => root, say,
    digit: (number) => change({ only: number > act.data().panels.length || number === on.only ? 0 : number }),
    doing: {
      ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => time(1), ArrowDown: () => time(-1), " ": act.play.toggle,
      PageDown: () => step(1), PageUp: () => step(-1), h: () => change({ hide: !on.hide }), p: () => change({ covered: !on.covered }),
      t: () => put(model, { theme: root.dataset.theme === "dark" ? "light" : "dark" }),
      d: () => { if (act.data().density) put(model, { show_density: !model.get("show_density") }); },
    },
  });
  root.append(keys.help, keys.black);
  root.tabIndex = -1;
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", keys.key, true); // before the panels' own arrow keys
  const ended = () => { if (on.stage && on.full && document.fullscreenElement !== root) leave(); };
  document.addEventListener("fullscreenchange", ended);

  async function enter() {
    change({ stage: true, hide: true });
    root.focus();
    try { await root.requestFullscreen(); on.full = true; } catch { say("No full screen here: lecture mode in place. ? lists the keys."); }
  }

  function leave() {
    if (document.fullscreenElement === root) document.exitFullscreen();
    change({ stage: false, only: 0, covered: false, full: false });
  }

  function save() {
    const style = getComputedStyle(root), inks = { back: style.getPropertyValue("--back"), mark: style.getPropertyValue("--ink") };
    download(pictureOf(act.panels(), inks, act.data().heading), "toylab.png");
  }

  function link() {
    const { equal, choices, choice, t } = act.shown(), page = document.documentElement.dataset.lab;
    if (!act.data().link) return copy(act.words(), say, "The live page has no such state: copied in words.");
    const state = [act.data().link, equal ? `compare=nfe&nfe=${choices[choice]}` : `steps=${choices[choice]}`, `t=${Number(t.toPrecision(4))}`, "figures=0"];
    if (model.get("show_density")) state.push("density=1");
    const address = `${page ? new URL(page, location.href) : "lab.html"}#${state.join("&")}`;
    copy(address, say, page ? "The link is copied." : "Copied: a link into the page that “toylab export page lab.html” writes.");
  }

  // Marks of the mode for styles; `on.stage` decides who lays out.
  function mark(panels, controls) {
    root.classList.toggle("lecture", on.stage);
    root.dataset.covered = on.covered;
    controls.hidden = on.stage && on.hide;
    panels.forEach((panel, i) => { panel.hidden = on.only > 0 && i !== on.only - 1; });
  }

  // As `arrange`, with the words beside the panels.
  function arrangeOnStage(grid, count, resize, tall, wide) {
    const type = typeOnStage(), top = grid.getBoundingClientRect().top - root.getBoundingClientRect().top;
    root.style.setProperty("--type", `${type}px`);
    root.dataset.fits = true;
    const [columns, size] = stageGrid(on.only ? 1 : count, grid.clientWidth, innerHeight - top - 12, GAP, 8 * type, tall, wide);
    resize(columns, size);
    root.style.setProperty("--words", `${Math.min(type, size / 7.2)}px`); // six lines beside a square
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    return { columns, size };
  }

  const stop = () => { clearTimeout(forget); document.removeEventListener("fullscreenchange", ended); };
  return { node, on, mark, arrange: arrangeOnStage, stop };
}
