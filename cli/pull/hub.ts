import { basename } from "@std/path";
import { UsageError } from "../errors.ts";

/** Where the hub is, and who asks. */
export interface HubAccess {
  readonly endpoint: URL;
  /** Sent to the endpoint's own host, never to another that it redirects to. */
  readonly token?: string;
}

/** What a user asks for: the files of a checkpoint folder, or a single file. */
export interface PullSource {
  readonly kind: "checkpoint" | "file";
  /** The name of the folder or of the file, for want of a better one. */
  readonly name: string;
  /** URLs by the names of the files. */
  readonly files: ReadonlyMap<string, URL>;
}

/** The files that make a checkpoint; the small one first, so that a wrong name costs little. */
const checkpointFiles = ["config.json", "model.safetensors"];

/**
 * The hub as the environment names it, by the variables that its other programs use: `HF_ENDPOINT`, `HF_TOKEN`.
 *
 * @throws {UsageError} when the endpoint is no web address
 */
export function hubAccess(): HubAccess {
  const given = Deno.env.get("HF_ENDPOINT") || "https://huggingface.co";
  const endpoint = URL.parse(given);
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol)) {
    throw new UsageError(
      `Cannot use HF_ENDPOINT "${given}": a web address such as https://huggingface.co is required`,
    );
  }
  const token = Deno.env.get("HF_TOKEN")?.trim();
  return { endpoint, ...(token && { token }) };
}

/**
 * Reads `hf:OWNER/NAME`, `hf:OWNER/NAME/FILE` or the URL of a file.
 *
 * @param revision a branch, tag or commit of a repository on the hub
 * @throws {UsageError} for anything else
 */
export function pullSource(given: string, revision: string | undefined, endpoint: URL): PullSource {
  if (given.startsWith("https://")) {
    const url = URL.parse(given);
    const name = url === null ? "" : fileNameOf(url);
    if (url === null || !isFileName(name)) throw unusable(given);
    if (revision !== undefined) {
      throw new UsageError(`Cannot use --revision with the address of a file: it is for hf:OWNER/NAME`);
    }
    return { kind: "file", name, files: new Map([[name, url]]) };
  }
  const [, repository, path] = given.match(/^hf:([\w.-]+\/[\w.-]+)(?:\/(.+))?$/) ?? [];
  const parts = [...repository?.split("/") ?? [""], ...path?.split("/") ?? []];
  if (!parts.every(isFileName)) throw unusable(given);
  const urlOf = (file: string) => {
    const words = ["resolve", revision ?? "main", ...file.split("/")].map(encodeURIComponent).join("/");
    return new URL(`${endpoint.href.replace(/\/$/, "")}/${repository}/${words}`);
  };
  if (path !== undefined) {
    const name = basename(path);
    return { kind: "file", name, files: new Map([[name, urlOf(path)]]) };
  }
  return {
    kind: "checkpoint",
    name: basename(repository!),
    files: new Map(checkpointFiles.map((file) => [file, urlOf(file)])),
  };
}

/** The name of the file at an address; empty where its bytes are no UTF-8. */
function fileNameOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(basename(pathname));
  } catch {
    return "";
  }
}

/** A name that stays in its folder. */
function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
}

function unusable(given: string): UsageError {
  return new UsageError(
    `Cannot pull "${given}": hf:OWNER/NAME, hf:OWNER/NAME/FILE or the https:// address of a file is required`,
  );
}
