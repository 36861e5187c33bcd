/** Reports are aimed at one in this many milliseconds: rare enough to keep the device busy. */
const reportMs = 500;

/** Finds how many steps make a report interval on this device, and measures the rate. */
export class ReportMeter {
  /** So many steps are queued before the metrics are read. */
  stepsPerReport = 1;
  #since = performance.now();

  /** Bytes a second since the last report. */
  reported(steps: number, bytes: number): number {
    const now = performance.now();
    const elapsedMs = now - this.#since;
    this.#since = now;
    if (steps >= this.stepsPerReport) {
      if (elapsedMs < reportMs / 2) this.stepsPerReport *= 2;
      else if (elapsedMs > reportMs * 2) this.stepsPerReport = Math.max(1, this.stepsPerReport >> 1);
    }
    return bytes / (elapsedMs / 1000);
  }

  /** Leaves out time that was not spent training. */
  restart(): void {
    this.#since = performance.now();
  }
}
