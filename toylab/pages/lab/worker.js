// Computes away from the page: runs of methods, and the two figures. Several workers share the particles. The newest request of a worker wins: an older one
// ends at its next pause. Stands after the core.

const ORDER_STEPS = [40, 80, 160, 320], CLOCK_STEPS = [10, 20, 40, 80, 160, 320], BUDGETS = [5, 10, 20, 40, 80, 160];
const ASYMPTOTIC = { tEnd: 0.2, spread: 0.05 }; // nearer to the data orders show only beyond practical step counts
// Of an epsilon: how much of the particles is shown when, how many the figures have, and the steps of their exact flows.
const EXACT = { parts: [1 / 4, 1], few: 64, flow: { order: 1000, work: 400 } };
const NETWORK = { parts: [1 / 64, 1 / 16, 1 / 4, 1], few: 16, flow: { order: 200, work: 200 } };
const PAUSE = 10; // ms of work between two pauses

let tables, newest = 0;
const pauses = [], bell = new MessageChannel(), networks = {}, STALE = new Error("a newer request is here");
bell.port1.onmessage = () => pauses.shift()();

onmessage = async ({ data }) => {
  if (data.tables) { tables = data.tables; return; }
  newest = data.id;
  const reply = (found, transfer) => postMessage({ id: data.id, ...found }, transfer);
  try {
    for await (const [found, transfer] of { runs, order, work, clocks }[data.kind](data)) reply(found, transfer);
  } catch (error) {
    if (error !== STALE) reply({ error: error.message });
  }
};

// Lets messages in; throws STALE where one of them is a newer request.
async function pause(id) {
  await new Promise((go) => { pauses.push(go); bell.port2.postMessage(0); });
  if (id !== newest) throw STALE;
}

// Part by part of the particles, this worker's share of it.
async function* runs({ id, problem, methods, share: [worker, workers] }) {
  const { schedule, eps, x, kind } = prepare(problem), n = x.length / 2;
  let from = 0;
  for (const [part, fraction] of kind.parts.entries()) {
    const to = Math.ceil(n * fraction);
    const [first, last] = [worker, worker + 1].map((k) => 2 * (from + Math.round((to - from) * k / workers))), found = [];
    for (const { row, steps } of methods) found.push(steps ? await runOf(id, row, steps, schedule, problem, x.slice(first, last), eps) : null);
    yield [{ runs: found, part, particles: to, done: to === n }, found.filter(Boolean).map((run) => run.states.buffer)];
    from = to;
  }
}

async function runOf(id, row, steps, schedule, { tEnd, spacing }, x, eps) {
  const times = nodesOf(schedule, steps, schedule.tMax, tEnd, spacing), { states, nfe } = await run(id, row, schedule, times, x, eps);
  const all = new Float32Array(states.length * x.length);
  states.forEach((state, node) => all.set(state, node * x.length));
  return { steps, times, nfe, states: all };
}

// `runMethod`, with pauses.
async function run(id, row, schedule, times, x, eps) {
  const states = [], nfe = [];
  await pause(id);
  let due = performance.now() + PAUSE;
  for (const [state, count] of walk(row, tables, schedule, times, x, eps)) {
    states.push(state);
    nfe.push(count);
    if (performance.now() > due) {
      await pause(id);
      due = performance.now() + PAUSE;
    }
  }
  return { states, nfe };
}

function prepare({ schedule: name, network, points, spread, n, seed }, few) {
  const schedule = SCHEDULES[name], kind = network ? NETWORK : EXACT;
  const eps = network ? (networks[network] ??= networkEps(tables.networks[network], schedule)) : exactEps(points, schedule, spread);
  return { schedule, eps, kind, x: startNoise(few ? kind.few : n, seed) };
}

// Error against steps at t_end, and the order that it shows, as soon as each method is done.
async function* order({ id, problem, methods }) {
  yield* slopes(id, problem, ORDER_STEPS, methods.map(({ row }) => ({ row, spacing: problem.spacing })));
}

// The same of one method, with the nodes even in every clock.
async function* clocks({ id, problem, methods: [{ row }] }) {
  yield* slopes(id, problem, CLOCK_STEPS, Object.keys(SPACINGS).map((spacing) => ({ row, spacing })));
}

async function* slopes(id, problem, counts, runs) {
  const tEnd = Math.max(problem.tEnd, ASYMPTOTIC.tEnd), spread = problem.network ? null : Math.max(problem.spread, ASYMPTOTIC.spread);
  const { schedule, eps, x, kind } = prepare({ ...problem, spread }, true);
  const flow = exactFlow(tables, schedule, x, eps, schedule.tMax, tEnd, kind.flow.order), lines = [];
  const floor = Math.max(flow.error, roundOff(flow.x));
  for (const { row, spacing } of runs) {
    const errors = [];
    for (const steps of counts) {
      const times = nodesOf(schedule, steps, schedule.tMax, tEnd, spacing);
      errors.push(distancesBetween((await run(id, row, schedule, times, x, eps)).states[steps], flow.x));
    }
    lines.push({ x: counts, ...fitOrder(counts, errors, floor) });
    yield [{ lines, floor, tEnd, spread, done: lines.length === runs.length }];
  }
}

// Error and mean distance to the data against evaluations, each budget spent on as many steps as it buys; the distance of
// the exact flow; and the network's own error, which stays.
async function* work({ id, problem, methods }) {
  const { schedule, eps, x, kind } = prepare(problem, true), lines = [], distances = distancesTo(problem.geometry), distance = (x) => distances(x).reduce((sum, value) => sum + value, 0) / x.length * 2;
  const flow = exactFlow(tables, schedule, x, eps, schedule.tMax, problem.tEnd, kind.flow.work);
  const network = problem.network ? rmsDistance(flow.x, exactFlow(tables, schedule, x, exactEps(problem.dense, schedule, 0), schedule.tMax, problem.tEnd, EXACT.flow.work).x) : null;
  for (const { row } of methods) {
    const line = { x: [], errors: [], distances: [], steps: [] };
    for (const budget of BUDGETS) {
      const steps = stepsWithin(row, tables, schedule, budget, schedule.tMax, problem.tEnd);
      if (!steps || steps === line.steps.at(-1)) continue;
      const times = nodesOf(schedule, steps, schedule.tMax, problem.tEnd, problem.spacing);
      const { states, nfe } = await run(id, row, schedule, times, x, eps);
      line.x.push(nfe[steps]);
      line.errors.push(rmsDistance(states[steps], flow.x));
      line.distances.push(distance(states[steps]));
      line.steps.push(steps);
    }
    lines.push(line);
    yield [{ lines, network, distance: distance(flow.x), floor: Math.max(flow.error, roundOff(flow.x)), done: lines.length === methods.length }];
  }
}
