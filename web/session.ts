/**
 * What the panels share: the open checkpoint, the engine, and that one thing is computed at a time.
 * @module
 */
import type { Engine } from "@bgpt/kernels";
import type { OpenedCheckpoint } from "./checkpoint_files.ts";
import { type EngineKind, openEngine } from "./engine.ts";

/** The page's state; it tells of every change by an event `change`. */
export class Session extends EventTarget {
  #opened: OpenedCheckpoint | undefined;
  #kind: EngineKind | undefined;
  #engine: Engine | undefined;
  #busy = false;

  /** The checkpoint that is open. */
  get opened(): OpenedCheckpoint | undefined {
    return this.#opened;
  }

  /** What computes; undefined where nothing can. */
  get kind(): EngineKind | undefined {
    return this.#kind;
  }

  /** Whether something is being computed. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Why nothing can be computed now; undefined where it can. */
  get obstacle(): string | undefined {
    if (this.#opened === undefined) return "Open a checkpoint first.";
    const { labels } = this.#opened.checkpoint;
    if (labels !== undefined) {
      return `This checkpoint tells files of ${labels.length} classes apart and predicts no bytes. Open one of generative training.`;
    }
    return this.#kind === undefined ? "No engine can compute here: see above." : undefined;
  }

  /** Takes another checkpoint, or none. */
  open(opened: OpenedCheckpoint | undefined): void {
    this.#opened = opened;
    this.#tell();
  }

  /** Takes another engine, which is opened when it is needed. */
  choose(kind: EngineKind): void {
    this.#close();
    this.#kind = kind;
    this.#tell();
  }

  /** Computes with the checkpoint and the engine, while everything else has to wait. */
  async compute(job: (engine: Engine, opened: OpenedCheckpoint) => Promise<void>): Promise<void> {
    if (this.#busy || this.#opened === undefined || this.#kind === undefined) {
      throw new Error(`Cannot compute: ${this.obstacle ?? "something else is being computed. Wait for it"}`);
    }
    this.#busy = true;
    this.#tell();
    try {
      this.#engine ??= await openEngine(this.#kind);
      await job(this.#engine, this.#opened);
    } catch (error) {
      // Whatever it was, the next computation gets an engine that is sound.
      this.#close();
      throw error;
    } finally {
      this.#busy = false;
      this.#tell();
    }
  }

  #close(): void {
    this.#engine?.destroy();
    this.#engine = undefined;
  }

  #tell(): void {
    this.dispatchEvent(new Event("change"));
  }
}
