/**
 * The program of a worker of the cpu engine, as text: a worker made from a self-contained source starts alike from
 * JSR, from a compiled binary and in a page.
 *
 * All workers take the same `run` messages in the same order, and meet at a barrier before and after every stage; the
 * first one also takes `write` and `read`, whose place between the runs the barriers keep.
 * @module
 */

/** Words of the control block that the workers share. */
export const controlWords = { arrived: 0, generation: 1, failed: 2, length: 3 } as const;

/** How long a worker looks for the others before it sleeps: most stages end within microseconds of each other. */
const spins = 4000;

/** JavaScript module source. */
export const workerSource: string = `
const plans = new Map();
let control, part, parts;
// Thrown where another thread failed: that one tells why.
const elsewhere = new Error("Another thread failed");

function barrier() {
  if (parts === 1) return;
  const generation = Atomics.load(control, ${controlWords.generation});
  // Whoever fails says so before it ends this generation: after this look nobody can wait for a generation already over.
  if (Atomics.load(control, ${controlWords.failed}) !== 0) throw elsewhere;
  if (Atomics.add(control, ${controlWords.arrived}, 1) === parts - 1) {
    Atomics.store(control, ${controlWords.arrived}, 0);
    Atomics.add(control, ${controlWords.generation}, 1);
    Atomics.notify(control, ${controlWords.generation});
  } else {
    let spins = ${spins};
    while (Atomics.load(control, ${controlWords.generation}) === generation) {
      if (spins-- <= 0) Atomics.wait(control, ${controlWords.generation}, generation);
    }
  }
  if (Atomics.load(control, ${controlWords.failed}) !== 0) throw elsewhere;
}

function fail(error, what) {
  Atomics.store(control, ${controlWords.failed}, 1);
  Atomics.add(control, ${controlWords.generation}, 1);
  Atomics.notify(control, ${controlWords.generation});
  postMessage({ failed: what + ": " + (error && error.message || error) });
}

const handlers = {
  start({ control: shared, part: which, parts: count }) {
    control = new Int32Array(shared);
    part = which;
    parts = count;
  },
  prepare({ plan, module, memory, scratch, programs }) {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const stages = {};
    for (const [name, list] of Object.entries(programs)) {
      stages[name] = list.map(({ label, name, values }) => {
        const call = instance.exports[name];
        if (call === undefined) throw new Error("the module has no function " + name + " for " + label);
        return { label, call, values: [...values, part, parts] };
      });
    }
    instance.exports.useScratch(scratch + part * instance.exports.scratchBytes());
    plans.set(plan, { memory, stages });
  },
  run({ plan, programs }) {
    const { stages } = plans.get(plan);
    barrier();
    for (const program of programs) {
      for (const stage of stages[program]) {
        try {
          stage.call.apply(undefined, stage.values);
        } catch (error) {
          error.message = stage.label + ": " + error.message;
          throw error;
        }
        barrier();
      }
    }
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
