// What the page shows, as a list of typed properties that the address carries. An address of any kind gives the
// nearest state there is, and sentences about what was wrong with it.

const MOST_METHODS = 6, MOST_STEPS = 200, MOST_EVALUATIONS = 400, MOST_PARTICLES = 2048;

const oneOf = (known, usual) => ({
  usual,
  read(text, name, notes) {
    const found = known().find((each) => each.toLowerCase() === text.toLowerCase());
    if (found === undefined) notes.push(`${name} ${quoted(text)} is unknown: ${usual} instead.`);
    return found ?? usual;
  },
});

const between = (low, high, usual, whole = false) => ({
  usual,
  read(text, name, notes) {
    const value = text.trim() === "" ? NaN : Number(text), near = whole ? Math.round(value) : value;
    if (!Number.isFinite(value)) { notes.push(`${name} ${quoted(text)} is no number: ${usual} instead.`); return usual; }
    const found = Math.min(high, Math.max(low, near));
    if (found !== near) notes.push(`${name} is from ${low} to ${high}: ${found} instead of ${quoted(text)}.`);
    return found;
  },
});

const yes = (usual) => ({ usual, read: (text) => !["0", "no", "false", "off"].includes(text.toLowerCase()), write: (value) => (value ? "1" : "0") });

const quoted = (text) => `“${text.length > 24 ? `${text.slice(0, 24)}…` : text}”`;

// tables: Python's; wide: whether the screen has room for the controls beside the panels.
function propertiesOf(tables, wide) {
  return {
    data: oneOf(() => [...Object.keys(tables.sets), "draw"], "spiral"),
    drawing: { usual: "", read: (text) => text, write: (text) => text },
    schedule: oneOf(() => tables.schedules, "linear"),
    points: between(3, 1000, 240, true), // of the data in its exact epsilon; few of them are drawn, and copies of them counted
    eps: oneOf(() => ["exact", "network"], "exact"),
    spacing: oneOf(() => tables.spacings, "t"),
    t_end: between(1e-5, 0.5, 1e-3),
    spread: between(0, 1, 0),
    seed: between(0, 2 ** 32 - 1, 0, true),
    n: between(16, MOST_PARTICLES, 512, true),
    methods: { usual: ["Euler", "RK4", "DDIM", "F-PNDM"], read: (text, name, notes) => readMethods(tables, text, notes), write: (names) => names.join(",") },
    compare: oneOf(() => ["steps", "nfe"], "steps"),
    steps: between(1, MOST_STEPS, 10, true),
    nfe: between(1, MOST_EVALUATIONS, 20, true),
    t: between(0, 1, 0),
    density: yes(false),
    tracks: yes(true),
    zoom: yes(true),
    figures: yes(true),
    trade: yes(false), // the work figure shows distance to the data against error
    theme: oneOf(() => ["auto", "light", "dark"], "auto"),
    view: oneOf(() => ["all", "order", "work", "clocks"], "all"), // the whole page, or one measurement alone
    stage: yes(false), // lecture mode
    scene: between(0, 999, 0, true), // of the list, from 1; 0: none
    only: between(0, MOST_METHODS, 0, true), // the one method that is shown, from 1; 0: all
    predict: yes(false), // results are covered until the audience has guessed
    hide: oneOf(() => ["nothing", "controls"], wide ? "nothing" : "controls"),
  };
}

function readMethods(tables, text, notes) {
  const asked = text.split(",").map((name) => name.trim()).filter(Boolean), found = [];
  for (const name of asked) {
    const method = methodCalled(tables, name);
    if (!method) notes.push(`method ${quoted(name)} is unknown: left out.`);
    else if (found.length === MOST_METHODS) { notes.push(`at most ${MOST_METHODS} methods at once: the rest is left out.`); break; }
    else if (!found.includes(method.token)) found.push(method.token);
  }
  return found.length ? found : ["Euler", "RK4", "DDIM", "F-PNDM"];
}

// A method by name, or by parts as gradient+transfer, followed by +midpoint-sigma or another clock of inner nodes, and
// +weights-exact or other weights: { token, label, row, style }, or null.
function methodCalled(tables, text) {
  const plain = (name) => name.toLowerCase().replace(/[-_ ]/g, "");
  const known = Object.keys(tables.methods).find((name) => plain(name) === plain(text));
  if (known) return { token: known, label: known, row: tables.methods[known], style: tables.styles[known] };
  const [gradient, transfer, ...options] = text.toLowerCase().split(/[+ ]/); // an address may turn + into a blank
  if (!Object.hasOwn(tables.gradients, gradient) || !tables.transfers.includes(transfer)) return null;
  const part = (name, allowed, usual) => allowed && allowed.find((value) => options.includes(`${name}-${value}`)) || usual;
  const midpoint = part("midpoint", hasMidpoints(tables, gradient) && tables.midpoints, "t");
  const weights = part("weights", hasWeights(tables, gradient) && Object.keys(tables.weights), "equispaced");
  const row = { ...tables.methods.DDIM, gradient, transfer, midpoint, weights };
  const extras = [midpoint !== "t" && `midpoint-${midpoint}`, weights !== "equispaced" && `weights-${weights}`].filter(Boolean);
  const same = (wanted) => Object.keys(tables.methods).find((name) => Object.entries(wanted).every(([key, value]) => key === "name" || tables.methods[name][key] === value));
  const exact = same(row), name = exact ?? same({ ...row, midpoint: "t", weights: "equispaced" }) ?? `${gradient}+${transfer}`;
  const label = [name, ...(exact ? [] : extras.map((extra) => extra.replace("-", " ")))].join(", ");
  return { token: [gradient, transfer, ...extras].join("+"), label, row, style: tables.styles[name] };
}

const hasMidpoints = (tables, gradient) => tables.gradients[gradient].tableau?.c.some((part) => part > 0 && part < 1);
const hasWeights = (tables, gradient) => tables.gradients[gradient].adams > 1 || tables.gradients[gradient].tableau?.through.length > 0;

// State and notes of the part of an address after #.
function readState(properties, hash) {
  const given = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B")), notes = [], state = {};
  for (const [name, { usual, read }] of Object.entries(properties)) {
    const text = given.get(name);
    state[name] = text === null ? usual : read(text, name, notes);
  }
  for (const name of new Set(given.keys())) if (!Object.hasOwn(properties, name)) notes.push(`${quoted(name)} means nothing here.`);
  return { state, notes };
}

// The address of a state, without what is usual.
function writeState(properties, state) {
  return Object.entries(properties).map(([name, { usual, write }]) => {
    const text = write ? write(state[name]) : String(state[name]);
    return text === (write ? write(usual) : String(usual)) ? "" : `${name}=${encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%2B", "+")}`;
  }).filter(Boolean).join("&");
}
