// Lecture mode: scenes, one a slide; a window with notes; and the keys of keys.js.

const KEYS = [
  ["← →", "fewer, more steps (or evaluations)"], ["↑ ↓", "a node on, back in time"], ["Space", "play, pause"],
  ["1 to 6", "one method alone; again or 0: all"], ["P", "cover the results, for a prediction; again: show them"],
  ["Page Down, Page Up", "next, last scene (a clicker's keys)"], ["Home, End", "first, last scene"], ["N", "a window with notes"],
];

// act: { scenes, state(), set, toggle, leave, step(by), time(by), theme(), open(link, scene), say(words) }.
function buildStage(act) {
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

  const toggled = (name) => act.set({ [name]: !act.state()[name] });
  const { help, black, key } = buildKeys({
    rows: KEYS, digits: 6, isOn: () => act.state().stage, leave: act.leave, node: () => document.documentElement, say: act.say,
    digit: (number) => act.set({ only: number === act.state().only ? 0 : number }),
    doing: {
      ArrowRight: () => act.step(1), ArrowLeft: () => act.step(-1), ArrowUp: () => act.time(1), ArrowDown: () => act.time(-1), " ": act.toggle,
      PageDown: () => open(act.state().scene + 1), PageUp: () => open(act.state().scene - 1), Home: () => open(1), End: () => open(act.scenes.length),
      h: () => act.set({ hide: act.state().hide === "controls" ? "nothing" : "controls" }), t: act.theme, p: () => toggled("predict"), d: () => toggled("density"),
      n: openNotes,
    },
  });

  return { help, black, key, title };
}
