// Computes away from the page: runs of methods, and the two figures. Several workers share the particles. The newest request of a worker wins: an older one
// ends at its next pause. Stands after the core.

const ORDER_STEPS = [40, 80, 160, 320], CLOCK_STEPS = [10, 20, 40, 80, 160, 320], BUDGETS = [5, 10, 20, 40, 80, 160];
const FEW = 64; // particles of the figures
const ASYMPTOTIC = { tEnd: 0.2, spread: 0.05 }; // nearer to the data orders show only beyond practical step counts
const FLOW_STEPS = { order: 1000, work: 400 };

let tables, newest = 0;
const pauses = [], bell = new MessageChannel();
bell.port1.onmessage = () => pauses.shift()();
const pause = () => new Promise((go) => { pauses.push(go); bell.port2.postMessage(0); });

onmessage = async ({ data }) => {
  if (data.tables) { tables = data.tables; return; }
  newest = data.id;
  const reply = (found, transfer) => postMessage({ id: data.id, ...found }, transfer);
  try {
    for await (const [found, transfer] of { runs, order, work, clocks }[data.kind](data)) reply(found, transfer);
  } catch (error) {
    reply({ error: error.message });
  }
};

const stale = (id) => id !== newest;

// Of the first quarter of the particles this worker's share, then of the rest.
async function* runs({ id, problem, methods, share: [worker, workers] }) {
  const { schedule, eps, x } = prepare(problem), n = x.length / 2, quarter = Math.ceil(n / 4);
  for (const [from, to] of [[0, quarter], [quarter, n]]) {
    const [first, last] = [worker, worker + 1].map((k) => 2 * (from + Math.round((to - from) * k / workers))), found = [];
    for (const { row, steps } of methods) {
      found.push(steps ? runOf(row, steps, schedule, problem, x.slice(first, last), eps) : null);
      await pause();
      if (stale(id)) return;
    }
    yield [{ runs: found, particles: to, done: to === n }, found.filter(Boolean).map((run) => run.states.buffer)];
  }
}

function runOf(row, steps, schedule, { tEnd, spacing }, x, eps) {
  const times = nodesOf(schedule, steps, schedule.tMax, tEnd, spacing), { states, nfe } = runMethod(row, tables, schedule, times, x, eps);
  const all = new Float32Array(states.length * x.length);
  states.forEach((state, node) => all.set(state, node * x.length));
  return { steps, times, nfe, states: all };
}

function prepare({ schedule: name, points, spread, n, seed }) {
  const schedule = SCHEDULES[name];
  return { schedule, eps: exactEps(points, schedule, spread), x: startNoise(n, seed) };
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
  const tEnd = Math.max(problem.tEnd, ASYMPTOTIC.tEnd), spread = Math.max(problem.spread, ASYMPTOTIC.spread);
  const { schedule, eps, x } = prepare({ ...problem, spread, n: FEW });
  const flow = exactFlow(tables, schedule, x, eps, schedule.tMax, tEnd, FLOW_STEPS.order), lines = [];
  const floor = Math.max(flow.error, roundOff(flow.x));
  for (const { row, spacing } of runs) {
    const errors = [];
    for (const steps of counts) {
      await pause();
      if (stale(id)) return;
      const times = nodesOf(schedule, steps, schedule.tMax, tEnd, spacing);
      errors.push(distancesBetween(runMethod(row, tables, schedule, times, x, eps).states[steps], flow.x));
    }
    lines.push({ x: counts, ...fitOrder(counts, errors, floor) });
    yield [{ lines, floor, tEnd, spread, done: lines.length === runs.length }];
  }
}

// Error against evaluations, each budget spent on as many steps as it buys.
async function* work({ id, problem, methods }) {
  const { schedule, eps, x } = prepare({ ...problem, n: FEW }), lines = [];
  const flow = exactFlow(tables, schedule, x, eps, schedule.tMax, problem.tEnd, FLOW_STEPS.work);
  for (const { row } of methods) {
    const line = { x: [], errors: [], steps: [] };
    for (const budget of BUDGETS) {
      const steps = stepsWithin(row, tables, schedule, budget, schedule.tMax, problem.tEnd);
      if (!steps || steps === line.steps.at(-1)) continue;
      await pause();
      if (stale(id)) return;
      const times = nodesOf(schedule, steps, schedule.tMax, problem.tEnd, problem.spacing);
      const { states, nfe } = runMethod(row, tables, schedule, times, x, eps);
      line.x.push(nfe[steps]);
      line.errors.push(rmsDistance(states[steps], flow.x));
      line.steps.push(steps);
    }
    lines.push(line);
    yield [{ lines, floor: Math.max(flow.error, roundOff(flow.x)), done: lines.length === methods.length }];
  }
}
