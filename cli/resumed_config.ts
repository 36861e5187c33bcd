import { type Config, optionalFields, presets, publishedRecipe } from "@bgpt/core";
import { type ConfigChoice, readConfigFile, trainingConfig } from "./config_options.ts";
import { UsageError } from "./errors.ts";

/** What the command line says about the configuration of a run that goes on. */
export interface ResumedChoice extends ConfigChoice {
  /** Weights that the run started from: its model has their sizes, not the preset's. */
  readonly init?: string;
}

/** The configuration of a run that goes on. */
export interface ResumedConfig {
  /** The run's own, with the steps that flags or file say. */
  readonly config: Config;
  /** Fields of the recipe or the preset that are named and not the run's: `hidden 768 (--preset base)`. */
  readonly overruled: readonly string[];
}

/**
 * The configuration of a run that goes on: its own. Flags and file may say another number of steps, and all else that
 * they say must be as at the start. A preset or a recipe may be named as at the start, whatever flags there were then.
 * @param config the run's configuration
 * @param flags the fields that were given as flags
 * @throws {UsageError} for a field that would be another, or a file that cannot be read
 */
export async function resumedConfig(
  config: Config,
  { preset, recipe, config: path, init }: ResumedChoice,
  flags: Partial<Config>,
): Promise<ResumedConfig> {
  const file = path === undefined ? {} : await readConfigFile(path);
  const differs = ([key, value]: [string, unknown]) =>
    key !== "steps" && value !== config[key as keyof Config];
  const said = { ...file, ...flags };
  for (const [key, now] of Object.entries(said).filter(differs)) {
    const origin = key in flags ? "" : ` (--config ${path})`;
    const before = config[key as keyof Config];
    throw new UsageError(
      `Cannot resume with ${key} ${now}${origin}: the run was started ` +
        `${before === undefined ? "without" : `with ${before}`}. Leave it out, or start a new run`,
    );
  }
  const named: readonly (readonly [string, Partial<Config>])[] = [
    ["--recipe published", recipe === "published" ? publishedRecipe : {}],
    [`--preset ${preset}`, preset === undefined ? {} : presetFields(presets[preset], init !== undefined)],
  ];
  const known = new Set(Object.keys(said));
  const overruled: string[] = [];
  for (const [source, fields] of named) {
    for (const [key, value] of Object.entries(fields)) {
      // The first that names a field counts.
      if (known.has(key)) continue;
      known.add(key);
      if (differs([key, value])) {
        overruled.push(`${value === undefined ? `no ${key}` : `${key} ${value}`} (${source})`);
      }
    }
  }
  return { config: { ...config, steps: said.steps ?? config.steps }, overruled };
}

/** What a preset says: of optional fields also that they are absent, and with an inherited model only how to train. */
function presetFields(preset: Config, inherits: boolean): Partial<Config> {
  if (inherits) return trainingConfig(preset);
  return { ...Object.fromEntries(optionalFields.map((key) => [key, undefined])), ...preset };
}
