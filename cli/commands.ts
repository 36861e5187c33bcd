import type { CommandEntry } from "./command.ts";

/** The command table, in the order in which the help lists it. */
export const commands: readonly CommandEntry[] = [
  {
    name: "demo",
    summary: "Watch a model learn to run a small computer, in five minutes",
    load: () => import("./commands/demo.ts"),
  },
  {
    name: "train",
    summary: "Train a model on files of any kind",
    load: () => import("./commands/train.ts"),
  },
  {
    name: "eval",
    summary: "Measure how well a checkpoint predicts files",
    load: () => import("./commands/eval.ts"),
  },
  {
    name: "inspect",
    summary: "Show where files surprise a model, byte by byte",
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "generate",
    summary: "Generate files, or continue one",
    load: () => import("./commands/generate.ts"),
  },
  {
    name: "convert",
    summary: "Convert files into another format, with a model trained on pairs",
    load: () => import("./commands/convert.ts"),
  },
  {
    name: "classify",
    summary: "Tell the class of files, with its probability",
    load: () => import("./commands/classify.ts"),
  },
  {
    name: "compress",
    summary: "Compress a file without loss, with a model's probabilities",
    load: () => import("./commands/compress.ts"),
  },
  {
    name: "decompress",
    summary: "Give back a file that was compressed",
    load: () => import("./commands/decompress.ts"),
  },
  {
    name: "simulate",
    summary: "Score a model's simulation of the CPU",
    load: () => import("./commands/simulate.ts"),
  },
  {
    name: "run",
    summary: "Run a program in a model, beside the true machine",
    load: () => import("./commands/run.ts"),
  },
  {
    name: "data cpu",
    summary: "Write a corpus of random programs and the states of the machine that runs them",
    load: () => import("./commands/data_cpu.ts"),
  },
  {
    name: "data speech",
    summary: "Turn WAV files into speech as the model reads it",
    load: () => import("./commands/data_speech.ts"),
  },
  {
    name: "data images",
    summary: "Turn PNG, JPEG and BMP pictures into images as the model reads them",
    load: () => import("./commands/data_images.ts"),
  },
  {
    name: "data spectrograms",
    summary: "Show speech as images",
    load: () => import("./commands/data_spectrograms.ts"),
  },
  {
    name: "data text",
    summary: "Turn texts, and the rows of CSV, JSONL and Parquet, into a file each",
    load: () => import("./commands/data_text.ts"),
  },
  {
    name: "data abc",
    summary: "Turn ABC tunes into pairs of ABC and MIDI",
    load: () => import("./commands/data_abc.ts"),
  },
  {
    name: "study transfer",
    summary: "Run the paper's table of transfer between text, images and speech",
    load: () => import("./commands/study_transfer.ts"),
  },
  {
    name: "study scale",
    summary: "Train the same model on growing data and draw the curve",
    load: () => import("./commands/study_scale.ts"),
  },
  {
    name: "study ablate",
    summary: "Train variants of the architecture with the same arithmetic and draw the curves",
    load: () => import("./commands/study_ablate.ts"),
  },
  {
    name: "pull",
    summary: "Fetch a checkpoint, or a published .pth, from a model hub",
    load: () => import("./commands/pull.ts"),
  },
  {
    name: "import",
    summary: "Turn a published .pth checkpoint into a checkpoint folder",
    load: () => import("./commands/import.ts"),
  },
  {
    name: "export",
    summary: "Write a checkpoint as a folder to upload, with a model card",
    load: () => import("./commands/export.ts"),
  },
  {
    name: "info",
    summary: "Show what a checkpoint holds",
    load: () => import("./commands/info.ts"),
  },
  {
    name: "doctor",
    summary: "Tell what this machine can compute, how fast, and what stands in the way",
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "completions",
    summary: "Print a script that teaches bash, zsh or fish to complete command lines",
    load: () => import("./commands/completions.ts"),
  },
];
