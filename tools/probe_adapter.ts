// Prints what the WebGPU adapter calls itself; exit code 3 without one. A driver that crashes ends only this process.
const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
if (adapter === null) Deno.exit(3);
const device = await adapter.requestDevice();
console.log(
  adapter.info.description || adapter.info.device || adapter.info.vendor || "an adapter without a name",
);
device.destroy();
