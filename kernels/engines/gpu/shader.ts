/**
 * From a kernel's dispatch to a WGSL module: the operand declarations are written here, from the same table that the
 * plan is checked with, so they cannot differ from what is bound.
 * @module
 */
import type { AnyKernel, DataType, Dispatch, Operand, Shape } from "../../kernel.ts";

/** An operand of a call as it lies in memory. */
export interface Binding {
  readonly name: string;
  readonly access: Operand["access"];
  /** `f16` where f32 is stored so. */
  readonly type: DataType;
  /** Whether its element types have names, by which WGSL converts. */
  readonly named: boolean;
}

/**
 * The operands of a call in binding order.
 * @param storedType the type that an operand's tensor is stored in
 */
export function bindingsOf(
  kernel: AnyKernel,
  shape: Shape,
  storedType: (name: string) => DataType,
): Binding[] {
  return Object.entries(kernel.operands(shape)).map(([name, operand]) => ({
    name,
    access: operand!.access,
    type: storedType(name),
    named: kernel.halves?.includes(name) ?? false,
  }));
}

/**
 * The complete WGSL of one dispatch.
 * @param deviceExtensions WGSL extensions that are enabled in every shader
 */
export function shaderSource(
  bindings: readonly Binding[],
  dispatch: Dispatch,
  deviceExtensions: readonly string[] = [],
): string {
  const declarations = bindings.flatMap(({ name, access, type, named }, index) => {
    const mode = access === "read" ? "read" : "read_write";
    const element = dispatch.vectors?.includes(name) ? `vec4<${type}>` : type;
    return [
      ...(named ? [`alias ${name}Scalar = ${type};`, `alias ${name}Element = ${element};`] : []),
      `@group(0) @binding(${index}) var<storage, ${mode}> ${name}: array<${element}>;`,
    ];
  });
  const extensions = new Set([...deviceExtensions, ...dispatch.extensions ?? []]);
  if (bindings.some(({ type }) => type === "f16")) extensions.add("f16");
  return [...Array.from(extensions, (name) => `enable ${name};`), ...declarations, dispatch.source].join(
    "\n",
  );
}
