/**
 * The program of a worker of the cpu engine, as text: a worker made from a self-contained source starts alike from
 * JSR, from a compiled binary and in a page.
 *
 * All workers take the same `run` messages in the same order. A stage has as many parts as there are workers; a worker
 * claims its own, then those that nobody has claimed yet, and the stage is over when all parts are. So nobody waits for a
 * worker that the system has put off, unless it is in the middle of a part; it catches up by finding everything claimed.
 * The first one also takes `write` and `read`; a run begins when it gets there, which keeps their place between the runs.
 * @module
 */

/** Words of a cache line: what different workers change at the same time stands apart. */
const lineWords = 16;

/**
 * Words of the control block that the workers share: parts that are finished (since the start, modulo 2³²), whether a
 * worker failed, how many sleep; from `claims` on, a line for each part with the number of the last stage that it was
 * claimed for.
 */
export const controlWords = {
  finished: 0,
  failed: lineWords,
  sleeping: 2 * lineWords,
  claims: 3 * lineWords,
} as const;

/** Length of the control block. */
export function controlLength(parts: number): number {
  return controlWords.claims + parts * lineWords;
}

/** How often a worker looks whether a stage is over before it sleeps, from which it takes long to wake. */
const spins = 20000;

/** JavaScript module source. */
export const workerSource: string = `
const plans = new Map();
let control, part, parts;
// Number of the current stage, modulo 2^32.
let stage = 0;
// Thrown where another thread failed: that one tells why.
const elsewhere = new Error("Another thread failed");

/** Whether this worker is the one to do a part of the current stage. */
function claim(which) {
  const before = stage - 1 | 0;
  const word = ${controlWords.claims} + which * ${lineWords};
  return Atomics.compareExchange(control, word, before, stage) === before;
}

/** Parts of the current stage are finished. */
function finish(count) {
  const finished = Atomics.add(control, ${controlWords.finished}, count) + count | 0;
  if (finished === Math.imul(stage, parts) && Atomics.load(control, ${controlWords.sleeping}) !== 0) {
    Atomics.notify(control, ${controlWords.finished});
  }
}

/** Returns when all parts of the current stage are finished. */
function meet() {
  const all = Math.imul(stage, parts);
  let spins = ${spins};
  for (;;) {
    const finished = Atomics.load(control, ${controlWords.finished});
    if ((finished - all | 0) >= 0) break;
    if (spins-- > 0) continue;
    // Whoever fails says so before it changes what is waited for: after this look nobody sleeps through it.
    if (Atomics.load(control, ${controlWords.failed}) !== 0) throw elsewhere;
    Atomics.add(control, ${controlWords.sleeping}, 1);
    Atomics.wait(control, ${controlWords.finished}, finished);
    Atomics.sub(control, ${controlWords.sleeping}, 1);
  }
  if (Atomics.load(control, ${controlWords.failed}) !== 0) throw elsewhere;
}

/** A run's first stage, which the first worker does alone. */
function begin() {
  stage = stage + 1 | 0;
  if (part === 0) {
    for (let which = 0; which < parts; which++) claim(which);
    finish(parts);
  }
  meet();
}

function runStage({ label, call, values }) {
  stage = stage + 1 | 0;
  for (let i = 0; i < parts; i++) {
    const which = (part + i) % parts;
    if (!claim(which)) continue;
    try {
      call.apply(undefined, values[which]);
    } catch (error) {
      error.message = label + ": " + error.message;
      throw error;
    }
    finish(1);
  }
  meet();
}

function fail(error, what) {
  Atomics.store(control, ${controlWords.failed}, 1);
  Atomics.add(control, ${controlWords.finished}, 1);
  Atomics.notify(control, ${controlWords.finished});
  postMessage({ failed: what + ": " + (error && error.message || error) });
}

const handlers = {
  start({ control: shared, part: which, parts: count }) {
    control = new Int32Array(shared);
    part = which;
    parts = count;
  },
  prepare({ plan, module, memory, scratches, programs }) {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const stages = {};
    for (const [name, list] of Object.entries(programs)) {
      stages[name] = list.map(({ label, name, values }) => {
        const call = instance.exports[name];
        if (call === undefined) throw new Error("the module has no function " + name + " for " + label);
        return { label, call, values: Array.from({ length: parts }, (_, which) => [...values, which, parts]) };
      });
    }
    instance.exports.useScratch(scratches[part]);
    plans.set(plan, { memory, stages });
  },
  run({ plan, programs }) {
    const { stages } = plans.get(plan);
    begin();
    for (const program of programs) stages[program].forEach(runStage);
  },
  write({ plan, address, values }) {
    new values.constructor(plans.get(plan).memory.buffer, address, values.length).set(values);
  },
  read({ plan, address, length, request }) {
    const values = new Uint32Array(plans.get(plan).memory.buffer, address, length).slice();
    postMessage({ request, values: values.buffer }, [values.buffer]);
  },
  destroy({ plan }) {
    plans.delete(plan);
  },
};

onmessage = ({ data }) => {
  if (control !== undefined && Atomics.load(control, ${controlWords.failed}) !== 0) return;
  try {
    handlers[data.kind](data);
  } catch (error) {
    if (error !== elsewhere) fail(error, "Thread " + part + " failed in " + data.kind);
  }
};
`;
