import { type DeviceFacts, type Dispatch, wgsl } from "../kernel.ts";
import { horizontalSumWgsl, reductionWgsl, valueType, workgroupThreads } from "../reduction.ts";

/**
 * The dispatch that begins a norm: workgroup g leaves a part of the sum of squares of an operand in `scratch[g]`.
 * @param length numbers of the operand
 * @param groups workgroups, each with a part
 */
export function squareSums(
  operand: string,
  length: number,
  groups: number,
  device: DeviceFacts | undefined,
): Dispatch {
  const type = valueType(length);
  const count = type === "f32" ? length : length / 4;
  const source = wgsl`
${reductionWgsl("groupSum", "f32", workgroupThreads, "+", device)}${horizontalSumWgsl(type)}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var squares = ${type}();
  for (var i = group.x * ${workgroupThreads}u + thread; i < ${count}u; i += ${groups * workgroupThreads}u) {
    let value = ${operand}[i];
    squares += value * value;
  }
  let total = groupSum(horizontalSum(squares), thread);
  if (thread == 0u) { scratch[group.x] = total; }
}`;
  return { source, workgroups: [groups, 1, 1], vectors: type === "f32" ? [] : [operand] };
}
