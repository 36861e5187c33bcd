/**
 * Numbers for people: at most four digits, with their unit.
 * @module
 */

/** A duration such as `0.8 s`, `42 s`, `3 min 05 s`, `2 h 07 min` or `3 d 04 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** A size in bytes, in units of 1,024: `512 B`, `1.50 KiB`, `12.0 GiB`. */
export function formatBytes(byteLength: number): string {
  return scaled(byteLength, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

/** How much of a unit in a second, in units of 1,000: `950 B/s`, `12.3 kB/s`, `1.20 GFLOP/s`. */
export function formatRate(perSecond: number, unit: string): string {
  return formatAmount(perSecond, `${unit}/s`);
}

/** How much of a unit, in units of 1,000: `950 B`, `1.20 GFLOP`. */
export function formatAmount(amount: number, unit: string): string {
  return scaled(amount, 1000, ["", "k", "M", "G", "T"].map((prefix) => `${prefix}${unit}`));
}

/** A whole number with its noun: `1 file`, `12,000 files`, `2 patches`. */
export function formatCount(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  // 999.5 would be printed as 1000.
  while (Math.abs(value) >= base * 0.9995 && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  const digits = unit === 0 ? (Number.isInteger(value) ? 0 : 1) : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
