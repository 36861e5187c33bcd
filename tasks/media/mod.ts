/**
 * What the model reads of sound and pictures: speech of one second, images of 32 × 32 pixels, spectrograms, and the
 * files that people have turned into them.
 * @module
 */
export * from "./bmp.ts";
export * from "./image.ts";
export * from "./jpeg.ts";
export * from "./png.ts";
export * from "./resample.ts";
export * from "./resize.ts";
export * from "./rgb_image.ts";
export * from "./spectrogram.ts";
export * from "./speech.ts";
export * from "./wav.ts";
