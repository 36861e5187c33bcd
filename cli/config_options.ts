import {
  checkConfig,
  checkConfigFields,
  type Config,
  type ConfigField,
  configFields,
  type ModelConfig,
  modelConfig,
  type PresetName,
  presets,
  publishedRecipe,
  type TrainingConfig,
} from "@bgpt/core";
import { UsageError } from "./errors.ts";
import type { ChoiceOption, NumberOption } from "./options.ts";

type ConfigOption<Value> = Value extends number ? Omit<NumberOption, "default" | "required">
  : Omit<ChoiceOption, "default" | "required" | "choices"> & { readonly choices: readonly Value[] };

/** A flag for every field of the configuration. */
export type ConfigOptions = { readonly [K in keyof Config]-?: ConfigOption<Required<Config>[K]> };

/** A flag for every field of the configuration, from the field table. */
export const configOptions: ConfigOptions = Object.fromEntries(
  Object.entries(configFields).map(([key, field]) => [key, optionOf(field)]),
) as unknown as ConfigOptions;

/** The presets' names, as `--preset` takes them. */
export const presetNames = Object.keys(presets) as readonly PresetName[];

/** The options that choose what a configuration starts from. */
export const configSourceOptions = {
  preset: {
    kind: "choice",
    choices: presetNames,
    help: "named sizes and rates; v2 is the architecture that sees the bytes before (default: tiny)",
  },
  recipe: {
    kind: "choice",
    choices: ["default", "published"],
    default: "default",
    help: "how to train: warm-up, cosine and clipping, or as the published program did",
  },
  config: { kind: "path", placeholder: "FILE", help: "a JSON object of fields, laid over the preset" },
} as const;

/** What the command line says about a configuration. */
export interface ConfigChoice {
  readonly preset?: PresetName;
  readonly recipe: "default" | "published";
  readonly config?: string;
}

/** The fields that were given as flags. */
export function givenFields(values: Readonly<Record<string, unknown>>): Partial<Config> {
  const given = Object.keys(configFields).filter((key) => values[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, values[key]])) as Partial<Config>;
}

/**
 * The configuration: preset, then recipe, then file, then flags. With an inherited model the preset says only how to
 * train: fields that the inherited model lacks are as published, whatever the preset has.
 * @throws {UsageError} for an unknown field or a value that cannot be
 */
export async function chooseConfig(
  choice: ConfigChoice,
  flags: Partial<Config>,
  inherited?: ModelConfig,
): Promise<Config> {
  const preset = presets[choice.preset ?? "tiny"];
  const start = inherited === undefined ? preset : { ...trainingConfig(preset), ...inherited };
  const recipe = choice.recipe === "published" ? publishedRecipe : {};
  const file = choice.config === undefined ? {} : await readConfigFile(choice.config);
  try {
    return checkConfig({ ...start, ...recipe, ...file, ...flags }, "this configuration");
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** A configuration without the sizes of its model. */
export function trainingConfig(config: Config): TrainingConfig {
  const sizes = modelConfig(config);
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => !(key in sizes)),
  ) as unknown as TrainingConfig;
}

/**
 * Reads the fields of a JSON file, as `--config` names it.
 * @throws {UsageError} when it cannot be read, for an unknown field or a value that cannot be
 */
export async function readConfigFile(path: string): Promise<Partial<Config>> {
  const text = await Deno.readTextFile(path).catch((error: Error) => {
    throw new UsageError(`Cannot read config "${path}": ${error.message}`);
  });
  try {
    return checkConfigFields(JSON.parse(text), `config "${path}"`);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UsageError(`Cannot use config "${path}": it is not JSON, ${error.message}`);
    }
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function optionOf(field: ConfigField) {
  const help = field.meaning;
  if (field.kind === "choice") return { kind: "choice", choices: field.choices!, help };
  return { kind: field.kind, minimum: field.minimum!, maximum: field.maximum!, help };
}
