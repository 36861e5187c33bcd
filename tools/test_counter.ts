/** Counts tests from what `deno test` writes: from its own last line or, when it died before that, test by test. */
export class TestCounter {
  #line = "";
  #seen = { passed: 0, failed: 0, ignored: 0 };
  #total: { passed: number; failed: number; ignored: number } | undefined;

  /** Takes a piece of the output, of any length. */
  add(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) this.#addLine(line);
  }

  /**
   * The counts in the form `3 passed, 1 failed, 2 skipped`, the last only when there are any.
   *
   * @param succeeded whether `deno test` did; a failure of no test, such as of the type check, counts as one
   */
  summary(succeeded: boolean): string {
    this.#addLine(this.#line);
    this.#line = "";
    const { passed, failed, ignored } = this.#total ?? this.#seen;
    const failures = succeeded ? failed : Math.max(1, failed);
    return `${passed} passed, ${failures} failed${ignored > 0 ? `, ${ignored} skipped` : ""}`;
  }

  #addLine(coloured: string): void {
    // deno-lint-ignore no-control-regex
    const line = coloured.replace(/\x1b\[[\d;]*m/g, "").trim();
    if (/^(ok|FAILED) \| \d+ passed/.test(line)) {
      const count = (name: string) => Number(new RegExp(`\\| (\\d+) ${name}`).exec(line)?.[1] ?? 0);
      this.#total = { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
      return;
    }
    const result = /(?:^|\.\.\. )(ok|FAILED|ignored) \(/.exec(line)?.[1];
    if (result === "ok") this.#seen.passed++;
    else if (result === "FAILED") this.#seen.failed++;
    else if (result === "ignored") this.#seen.ignored++;
  }
}
