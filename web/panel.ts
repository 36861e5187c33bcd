/**
 * What the panels of the page's functions have in common: a form, and places for what is told.
 * @module
 */
import { find, tell } from "./dom.ts";
import type { Session } from "./session.ts";

/** One function of the page. */
export class Panel {
  /** Its settings. */
  readonly form: HTMLFormElement;
  /** Where its result goes; hidden until there is one. */
  readonly result: HTMLElement;
  readonly #status: HTMLElement;

  /**
   * Finds the panel's elements, and runs its function whenever the form is sent.
   * @param id of the panel's section
   * @param withoutModel what is told where there is no model, for a function that does something without
   */
  constructor(session: Session, id: string, run: () => Promise<void>, withoutModel?: string) {
    const section = find(`#${id}`, HTMLElement);
    this.form = find("form", HTMLFormElement, section);
    this.result = find(".result", HTMLElement, section);
    this.#status = find(".status", HTMLElement, section);
    const submit = find("button[type=submit]", HTMLButtonElement, section);
    const hint = find(".hint", HTMLElement, section);
    const error = find(".error", HTMLElement, section);
    const update = () => {
      const { busy, obstacle } = session;
      submit.disabled = busy || obstacle !== undefined && withoutModel === undefined;
      tell(hint, obstacle === undefined ? "" : withoutModel ?? obstacle);
    };
    session.addEventListener("change", update);
    update();
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      tell(error, "");
      this.say("");
      try {
        await run();
      } catch (reason) {
        this.say("");
        tell(error, (reason as Error).message);
      }
    });
  }

  /** Tells how far it is, or what came of it. */
  say(text: string): void {
    this.#status.textContent = text;
  }
}
