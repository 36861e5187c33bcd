import { type Config, configFields, optionalFields, presets, publishedRecipe } from "@bgpt/core";
import { type ConfigChoice, readConfigFile, trainingConfig } from "./config_options.ts";
import { UsageError } from "./errors.ts";

/** What the command line says about the configuration of a run that goes on. */
export interface ResumedChoice extends ConfigChoice {
  /** Weights that the run started from: its model has their sizes, not the preset's. */
  readonly init?: string;
}

/**
 * The configuration of a run that goes on: its own. Flags and file may say another number of steps, and all else that the
 * command line says, the preset where it is named, must be as at the start.
 * @param config the run's configuration
 * @param flags the fields that were given as flags
 * @throws {UsageError} for a field that would be another, or a file that cannot be read
 */
export async function resumedConfig(
  config: Config,
  { preset, recipe, config: path, init }: ResumedChoice,
  flags: Partial<Config>,
): Promise<Config> {
  const file = path === undefined ? {} : await readConfigFile(path);
  // The first that names a field counts.
  const sources: readonly (readonly [string, Partial<Config>])[] = [
    ["", flags],
    [` (--config ${path})`, file],
    [" (--recipe published)", recipe === "published" ? publishedRecipe : {}],
    [` (--preset ${preset})`, preset === undefined ? {} : presetFields(presets[preset], init !== undefined)],
  ];
  for (const key of Object.keys(configFields) as (keyof Config)[]) {
    const [origin, fields] = sources.find(([, fields]) => key in fields) ?? [];
    if (key === "steps" || fields === undefined || fields[key] === config[key]) continue;
    const [now, before] = [fields[key], config[key]];
    throw new UsageError(
      `Cannot resume ${
        now === undefined ? `without ${key}` : `with ${key} ${now}`
      }${origin}: the run was started ` +
        `${before === undefined ? "without" : `with ${before}`}. Leave it out, or start a new run`,
    );
  }
  return { ...config, steps: flags.steps ?? file.steps ?? config.steps };
}

/** What a preset says: of optional fields also that they are absent, and with an inherited model only how to train. */
function presetFields(preset: Config, inherits: boolean): Partial<Config> {
  if (inherits) return trainingConfig(preset);
  return { ...Object.fromEntries(optionalFields.map((key) => [key, undefined])), ...preset };
}
