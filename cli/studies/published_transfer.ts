/** The paper's table of transfer (arXiv 2402.19155, tables 2 and 3): bits per byte and accuracy in percent. */
export const publishedTransfer: Readonly<
  Record<
    TransferVariant,
    Readonly<Record<TransferTarget, readonly [bitsPerByte: number, accuracyPercent: number]>>
  >
> = {
  random: { text: [1.3496, 84.74], image: [3.4928, 76.73], speech: [1.5414, 92.43] },
  text: { text: [1.0639, 92.49], image: [3.6663, 77.02], speech: [1.5719, 93.56] },
  image: { text: [1.4179, 83.16], image: [3.1234, 88.69], speech: [1.5326, 93.91] },
  speech: { text: [1.3993, 83.59], image: [3.3345, 83.51], speech: [1.4818, 96.03] },
  signal: { text: [1.4058, 83.80], image: [3.1554, 87.65], speech: [1.4898, 95.66] },
  mix: { text: [1.0935, 91.75], image: [3.2279, 84.32], speech: [1.5086, 95.09] },
};

/** The three modalities. */
export const transferTargets = ["text", "image", "speech"] as const;
/** One of them. */
export type TransferTarget = typeof transferTargets[number];

/** What each variant is pre-trained on. */
export const transferVariants = {
  random: [],
  text: ["text"],
  image: ["image"],
  speech: ["speech"],
  signal: ["image", "speech"],
  mix: ["text", "image", "speech"],
} as const satisfies Readonly<Record<string, readonly TransferTarget[]>>;
/** One of them. */
export type TransferVariant = keyof typeof transferVariants;
