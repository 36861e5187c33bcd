/**
 * Shared memory on hosts that cannot be told to send the two headers that it takes.
 * @module
 */

/** Remembers in this tab that the page was loaded anew for it. */
const triedKey = "bgpt-isolation";

/**
 * Where the headers are missing, lets a service worker add them and loads the page anew, once; without one, or where it
 * does not help, nothing happens.
 * @returns whether the page is about to be loaded anew
 */
export async function isolate(): Promise<boolean> {
  if (globalThis.crossOriginIsolated) {
    sessionStorage.removeItem(triedKey);
    return false;
  }
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined || sessionStorage.getItem(triedKey) !== null) return false;
  try {
    await serviceWorker.register("isolation_worker.js");
    await serviceWorker.ready;
  } catch {
    return false; // The engine's panel tells which headers it needs.
  }
  sessionStorage.setItem(triedKey, "tried");
  location.reload();
  return true;
}
