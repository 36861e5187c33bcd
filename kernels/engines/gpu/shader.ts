/**
 * From a kernel's dispatch to a WGSL module: the operand declarations are written here, from the same table that the
 * plan is checked with, so they cannot differ from what is bound.
 * @module
 */
import type { AnyKernel, Dispatch, Operand, Shape } from "../../kernel.ts";

/** The operands of a call in binding order. */
export function bindingsOf(kernel: AnyKernel, shape: Shape): [string, Operand][] {
  return Object.entries(kernel.operands(shape)) as [string, Operand][];
}

/** The complete WGSL of one dispatch. */
export function shaderSource(bindings: readonly [string, Operand][], dispatch: Dispatch): string {
  const declarations = bindings.map(([name, operand], index) => {
    const access = operand.access === "read" ? "read" : "read_write";
    const element = dispatch.vectors?.includes(name) ? `vec4<${operand.type}>` : operand.type;
    return `@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<${element}>;`;
  });
  const extensions = (dispatch.extensions ?? []).map((name) => `enable ${name};`);
  return [...extensions, ...declarations, dispatch.source].join("\n");
}
