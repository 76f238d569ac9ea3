// Lecture mode: everything by keys, also those of a clicker; scenes, one a slide; a window with notes.

const KEYS = [
  ["← →", "fewer, more steps (or evaluations)"], ["↑ ↓", "a node on, back in time"], ["Space", "play, pause"],
  ["1 to 6", "one method alone; again or 0: all"], ["P", "cover the results, for a prediction; again: show them"],
  ["Page Down, Page Up", "next, last scene (a clicker's keys)"], ["Home, End", "first, last scene"], ["N", "a window with notes"],
  ["H", "controls shown, hidden"], ["T", "light, dark"], ["D", "density"], ["B or .", "a black screen"], ["F", "full screen"], ["?", "this list"], ["Esc", "leave"],
];

// act: { scenes, state(), set, toggle, leave, step(by), time(by), theme(), open(link, scene), say(words) }.
function buildStage(act) {
  const help = make("dialog", { className: "keys", "aria-label": "Keys of the lecture mode" },
    make("dl", {}, ...KEYS.flatMap(([key, does]) => [make("dt", { textContent: key }), make("dd", { textContent: does })])),
    make("button", { type: "button", textContent: "Close", onclick: () => help.close() }));
  const black = make("div", { className: "black", hidden: true });
  let paper = null; // the window with notes

  const sceneAt = (number) => act.scenes[number - 1];
  const title = () => { const { scene } = act.state(); return sceneAt(scene) ? `${scene}/${act.scenes.length}  ${sceneAt(scene).title}` : ""; };

  function open(number) {
    const scene = Math.min(act.scenes.length, Math.max(1, number));
    if (!sceneAt(scene)) return act.say("This page has no scenes.");
    act.open(sceneAt(scene).link, scene);
    if (paper && !paper.closed) writeNotes();
  }

  function openNotes() {
    paper = window.open("", "toylab-notes", "width=720,height=560");
    if (!paper) return act.say("The browser did not open a window for the notes: allow it for this page.");
    paper.onkeydown = key; // walks the scenes from there too
    writeNotes();
  }

  function writeNotes() {
    const { scene } = act.state(), now = sceneAt(scene), next = sceneAt(scene + 1), { body } = paper.document;
    paper.document.title = "Notes";
    body.style.cssText = "font: 22px/1.45 system-ui, sans-serif; margin: 24px; white-space: pre-wrap; background: #ffffff; color: #15181c";
    body.replaceChildren(make("h1", { textContent: now ? title() : "No scene yet: Page Down opens the first" }), make("p", { textContent: now?.notes ?? "" }),
      make("p", { textContent: next ? `Next: ${next.title}` : "" }));
  }

  async function fullScreen() {
    try { await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()); }
    catch { act.say("The browser allows no full screen here."); }
  }

  const toggled = (name) => act.set({ [name]: !act.state()[name] });
  const doing = {
    ArrowRight: () => act.step(1), ArrowLeft: () => act.step(-1), ArrowUp: () => act.time(1), ArrowDown: () => act.time(-1), " ": act.toggle,
    PageDown: () => open(act.state().scene + 1), PageUp: () => open(act.state().scene - 1), Home: () => open(1), End: () => open(act.scenes.length),
    h: () => act.set({ hide: act.state().hide === "controls" ? "nothing" : "controls" }), t: act.theme, p: () => toggled("predict"), d: () => toggled("density"),
    n: openNotes, f: fullScreen, b: () => { black.hidden = !black.hidden; }, ".": () => { black.hidden = !black.hidden; }, "?": () => help.showModal(),
    Escape: () => { if (!black.hidden) black.hidden = true; else act.leave(); },
  };

  function key(event) {
    const { tagName, type } = event.target, slider = type === "range", typed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!act.state().stage || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (tagName === "SELECT" || (tagName === "INPUT" && !["range", "checkbox", "radio"].includes(type))) return;
    if (slider && /^(Arrow|Home|End)/.test(event.key)) return; // the slider's own
    if (event.key === " " && (tagName === "BUTTON" || tagName === "INPUT")) return;
    const digit = /^[0-6]$/.test(typed) ? Number(typed) : null;
    if (digit === null && !Object.hasOwn(doing, typed)) return;
    event.preventDefault();
    if (digit === null) doing[typed]();
    else act.set({ only: digit === act.state().only ? 0 : digit });
  }

  return { help, black, key, title };
}
