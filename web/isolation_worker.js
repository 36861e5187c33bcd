// The service worker of isolation.ts: answers with what the server sends, and with the two headers that let a page share
// memory between threads. In JavaScript, as the types of service workers and those of pages exclude each other.

addEventListener("install", () => self.skipWaiting());
addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
addEventListener("fetch", (event) => {
  if (!event.request.url.startsWith(self.location.origin)) return;
  event.respondWith(isolated(event.request));
});

async function isolated(request) {
  const { body, status, statusText, headers } = await fetch(request);
  const isolating = new Headers(headers);
  isolating.set("cross-origin-opener-policy", "same-origin");
  isolating.set("cross-origin-embedder-policy", "require-corp");
  return new Response(body, { status, statusText, headers: isolating });
}
