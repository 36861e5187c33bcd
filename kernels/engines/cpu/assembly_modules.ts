// Generated from kernels/assembly by `deno task build:assembly`; do not edit.
// Long because it holds two compiled modules.
// deno-fmt-ignore-file
/** The build with relaxed SIMD, 167 bytes of WebAssembly. */
export const fastModule: string = [
  "AGFzbQEAAAABEANgAX8AYAABf2AEf39/fwACEgEDZW52Bm1lbW9yeQIDAYCABAMEAwABAgcuBAxzY3JhdGNoQnl0ZXMAAQp1c2VTY3JhdGNoAA",
  "AFY2xlYXIAAgZtZW1vcnkCAApBAwIACwcAQYCAwAALNAECfiAAIAGsIgQgAqx+IAOsIgV/pyIAQQJ0akEAIAQgAkEBaqx+IAV/pyAAa0ECdPwL",
  "AAs=",
].join("");

/** The build with the same bits on every machine, 167 bytes of WebAssembly. */
export const strictModule: string = [
  "AGFzbQEAAAABEANgAX8AYAABf2AEf39/fwACEgEDZW52Bm1lbW9yeQIDAYCABAMEAwABAgcuBAxzY3JhdGNoQnl0ZXMAAQp1c2VTY3JhdGNoAA",
  "AFY2xlYXIAAgZtZW1vcnkCAApBAwIACwcAQYCAwAALNAECfiAAIAGsIgQgAqx+IAOsIgV/pyIAQQJ0akEAIAQgAkEBaqx+IAV/pyAAa0ECdPwL",
  "AAs=",
].join("");
