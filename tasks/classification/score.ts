/**
 * How right a classifier is: accuracy, each class's precision and recall, the confusion matrix, calibration.
 * @module
 */

/** How one class fares. */
export interface ClassScore {
  /** Its name. */
  readonly label: string;
  /** Share of the files taken for it that are of it; 0 where none was. */
  readonly precision: number;
  /** Share of its files that were found; 0 where there is none. */
  readonly recall: number;
  /** Harmonic mean of the two; 0 where both are. */
  readonly f1: number;
  /** Its files. */
  readonly support: number;
}

/** The files whose highest probability lies in one tenth of the range. */
export interface CalibrationBin {
  /** Least probability. */
  readonly from: number;
  /** Largest probability. */
  readonly to: number;
  /** Files. */
  readonly files: number;
  /** Their mean probability; 0 where there is no file. */
  readonly confidence: number;
  /** Share of them that is right; 0 where there is no file. */
  readonly accuracy: number;
}

/** All figures of a {@linkcode ClassificationScore}. */
export interface ClassificationReport {
  /** Files that were classified. */
  readonly files: number;
  /** Share of them whose most probable class is their own. */
  readonly accuracy: number;
  /** Mean −ln of the probability of their own class. */
  readonly lossNats: number;
  /** Mean F1 of the classes that have a file or were taken for one. */
  readonly macroF1: number;
  /** What always naming the most frequent class of these very files would reach. */
  readonly majority: { readonly label: string; readonly accuracy: number };
  /** By number. */
  readonly classes: readonly ClassScore[];
  /** Files by their own class (row) and the class that they were taken for (column). */
  readonly confusion: readonly (readonly number[])[];
  /** Whether probabilities are what they say. */
  readonly calibration: {
    /** Expected calibration error: mean of |confidence − accuracy| over the files (Guo et al. 2017, arXiv 1706.04599). */
    readonly error: number;
    /** Ten bins of the highest probability. */
    readonly bins: readonly CalibrationBin[];
  };
}

/** Bins of the reliability diagram. */
const binCount = 10;

/** Adds up what a classifier says of files whose class is known. */
export class ClassificationScore {
  readonly #labels: readonly string[];
  readonly #confusion: number[][];
  readonly #bins = Array.from({ length: binCount }, () => ({ files: 0, confidence: 0, right: 0 }));
  #files = 0;
  #lossNats = 0;

  /**
   * A score of no file yet.
   * @param labels the classes by their numbers
   */
  constructor(labels: readonly string[]) {
    this.#labels = labels;
    this.#confusion = labels.map(() => labels.map(() => 0));
  }

  /**
   * Adds a file.
   * @param label number of its class
   * @param probabilities of every class
   */
  add(label: number, probabilities: ArrayLike<number>): void {
    const best = mostProbable(probabilities);
    const confidence = probabilities[best]!;
    const bin = this.#bins[Math.min(binCount - 1, Math.floor(confidence * binCount))]!;
    bin.files++;
    bin.confidence += confidence;
    if (best === label) bin.right++;
    this.#confusion[label]![best]!++;
    this.#files++;
    // A probability that f32 cannot tell from 0 is not taken for impossible.
    this.#lossNats -= Math.log(Math.max(probabilities[label]!, Number.MIN_VALUE));
  }

  /**
   * The figures of the files so far.
   * @throws {RangeError} when there is none
   */
  report(): ClassificationReport {
    const files = this.#files;
    if (files === 0) throw new RangeError("Cannot score a classifier on no file: add one");
    const supports = this.#confusion.map(sum);
    const takenFor = this.#labels.map((_, k) => sum(this.#confusion.map((row) => row[k]!)));
    const classes = this.#labels.map((label, k): ClassScore => {
      const hits = this.#confusion[k]![k]!;
      const [precision, recall] = [share(hits, takenFor[k]!), share(hits, supports[k]!)];
      const f1 = share(2 * hits, supports[k]! + takenFor[k]!);
      return { label, precision, recall, f1, support: supports[k]! };
    });
    const seen = classes.filter((_, k) => supports[k]! + takenFor[k]! > 0);
    const majority = mostProbable(supports);
    const bins = this.#bins.map(({ files, confidence, right }, index): CalibrationBin => ({
      from: index / binCount,
      to: (index + 1) / binCount,
      files,
      confidence: share(confidence, files),
      accuracy: share(right, files),
    }));
    return {
      files,
      accuracy: sum(classes.map((_, k) => this.#confusion[k]![k]!)) / files,
      lossNats: this.#lossNats / files,
      macroF1: sum(seen.map(({ f1 }) => f1)) / seen.length,
      majority: { label: this.#labels[majority]!, accuracy: supports[majority]! / files },
      classes,
      confusion: this.#confusion.map((row) => [...row]),
      calibration: {
        error: sum(bins.map(({ files, confidence, accuracy }) => files * Math.abs(confidence - accuracy))) /
          files,
        bins,
      },
    };
  }
}

/** The place of the largest number, of equal ones the first. */
export function mostProbable(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < probabilities.length; k++) if (probabilities[k]! > probabilities[best]!) best = k;
  return best;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
