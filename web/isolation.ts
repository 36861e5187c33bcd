/**
 * Shared memory on hosts that cannot be told to send the two headers that it takes.
 * @module
 */

/** Remembers in this tab that the page was loaded anew for it. */
const triedKey = "bgpt-isolation";

/**
 * Where the headers are missing, has a service worker add them, which loads the page anew, once. Where that cannot be
 * had or does not help, nothing happens: the engine's panel tells which headers it needs.
 */
export function isolate(): void {
  const { serviceWorker } = navigator;
  if (globalThis.crossOriginIsolated) return sessionStorage.removeItem(triedKey);
  if (serviceWorker === undefined || sessionStorage.getItem(triedKey) !== null) return;
  serviceWorker.addEventListener("controllerchange", () => {
    sessionStorage.setItem(triedKey, "tried");
    location.reload();
  }, { once: true });
  serviceWorker.register("isolation_worker.js").catch(() => {});
}
