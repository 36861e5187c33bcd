/**
 * The choice of the engine.
 * @module
 */
import { find } from "./dom.ts";
import { type EngineKind, engineOffers } from "./engine.ts";
import type { Session } from "./session.ts";

/** Makes the panel work: the better engine is chosen, the user may choose the other. */
export async function enginePanel(session: Session): Promise<void> {
  const note = find("#engine-note", HTMLElement);
  const { offers, best } = await engineOffers();
  const inputs = (["gpu", "cpu"] as const).map((kind) =>
    [kind, find(`input[name=engine][value=${kind}]`, HTMLInputElement)] as const
  );
  const choose = (kind: EngineKind) => {
    session.choose(kind);
    note.textContent = [offers[kind], ...Object.values(offers).filter(({ available }) => !available)]
      .map(({ description }) => description).join(" ");
  };
  for (const [kind, input] of inputs) {
    input.checked = kind === best;
    input.addEventListener("change", () => choose(kind));
  }
  session.addEventListener("change", () => {
    for (const [kind, input] of inputs) input.disabled = session.busy || !offers[kind].available;
  });
  if (best === undefined) note.textContent = `${offers.gpu.description} ${offers.cpu.description}`;
  else choose(best);
}
