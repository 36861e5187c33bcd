export { Container, type DecompressedBlock } from "./decompress.ts";
export * from "./compress.ts";
export { type CodingEngine, codingEngines, ContainerError, type ContainerHeader } from "./container.ts";
