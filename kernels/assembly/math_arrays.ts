// The functions of math.ts on arrays, y[length] ← f(x[length]): for the tests, which measure their errors.
import { cosine, exp, gelu, geluGradient, log, sine, tanh } from "./math";

export function expArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), exp(v128.load(x + (i << 2))));
}

export function tanhArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), tanh(v128.load(x + (i << 2))));
}

export function geluArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), gelu(v128.load(x + (i << 2))));
}

export function geluGradientArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), geluGradient(v128.load(x + (i << 2))));
}

export function logArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i++) store<f32>(y + (i << 2), <f32> log(load<f32>(x + (i << 2))));
}

export function sineArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), sine(v128.load(x + (i << 2))));
}

export function cosineArray(x: usize, y: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i += 4) v128.store(y + (i << 2), cosine(v128.load(x + (i << 2))));
}
