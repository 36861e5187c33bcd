import { basename, join } from "@std/path";
import { ProgressLine } from "../progress.ts";
import { note } from "../terminal.ts";
import { formatDuration } from "../units.ts";
import { hashFile } from "./hash_file.ts";
import type { HubAccess } from "./hub.ts";
import { Interruption, type RemoteFile, request } from "./request.ts";
import { StallClock } from "./stall_clock.ts";

/** A file in the cache. */
export interface Download {
  readonly path: string;
  readonly byteLength: number;
  /** What the hub told and the bytes were found to have; undefined where no hash was told. */
  readonly hash?: string;
  /** Whether it was there before. */
  readonly fromCache: boolean;
}

/** How long is waited. */
export interface Patience {
  /** Before each attempt after one that brought nothing new; there are no more attempts than these. */
  readonly pausesMs: readonly number[];
  /** For the next bytes. */
  readonly stallMs: number;
}

const patience: Patience = { pausesMs: [1000, 2000, 4000, 8000, 16_000], stallMs: 60_000 };

/**
 * Fetches a file into the cache, unless that version of it is there already. What has arrived when a transfer breaks off
 * is kept, by this process or an earlier one, and the rest is asked for.
 *
 * @param folder of the cache; made if need be
 * @throws {Error} when the file cannot be had, or is not what the hub says it is
 */
export async function download(
  url: URL,
  folder: string,
  access: HubAccess,
  { pausesMs, stallMs }: Patience = patience,
): Promise<Download> {
  await Deno.mkdir(folder, { recursive: true });
  const transfer = new Transfer(url, folder, access, stallMs);
  let furthest = 0;
  for (let failures = 0;;) {
    try {
      return await transfer.attempt();
    } catch (error) {
      if (!(error instanceof Interruption)) throw error;
      if (transfer.arrived > furthest) {
        furthest = transfer.arrived;
        failures = 0;
      }
      const pauseMs = pausesMs[failures++];
      if (pauseMs === undefined) {
        throw new Error(
          `Cannot pull ${url}: ${error.message}, and ${pausesMs.length} more attempts brought nothing new. What has arrived is kept: ` +
            `run the command again to go on`,
          { cause: error },
        );
      }
      note(`Interrupted: ${error.message}; trying again in ${formatDuration(pauseMs / 1000)}`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

class Transfer {
  readonly #url: URL;
  readonly #folder: string;
  readonly #access: HubAccess;
  readonly #stallMs: number;
  /** Bytes of the file that are in the cache. */
  arrived = 0;

  constructor(url: URL, folder: string, access: HubAccess, stallMs: number) {
    this.#url = url;
    this.#folder = folder;
    this.#access = access;
    this.#stallMs = stallMs;
  }

  async attempt(): Promise<Download> {
    using clock = new StallClock(this.#stallMs);
    const whole = await request(this.#url, this.#access, {}, clock.signal);
    const { hash, byteLength } = whole;
    const etag = whole.response.headers.get("etag") ?? undefined;
    const path = join(this.#folder, await keyOf(this.#url, hash ?? etag));
    const isVersioned = hash !== undefined || etag !== undefined;
    if (isVersioned && await isSound(path, whole)) {
      await whole.response.body?.cancel();
      const { size } = await Deno.stat(path);
      return { path, byteLength: size, ...(hash && { hash }), fromCache: true };
    }
    const part = `${path}.part`;
    const resumed = await this.#fill(part, whole, clock);
    if (byteLength !== undefined && this.arrived < byteLength) {
      throw new Interruption(`it ended at byte ${this.arrived} of ${byteLength}`);
    }
    if (!await isSound(part, whole)) {
      await Deno.remove(part);
      // The part that was kept may be to blame.
      if (resumed) throw new Interruption("what was kept of an earlier transfer does not fit");
      const claim = hash === undefined ? `${byteLength} bytes long` : `of hash ${hash}`;
      throw new Error(
        `Cannot pull ${this.#url}: what came is not ${claim}, as was told. Tell those who keep it`,
      );
    }
    await Deno.rename(part, path);
    return { path, byteLength: this.arrived, ...(hash && { hash }), fromCache: false };
  }

  /** Writes what is missing of the part, and tells whether some of it was there before. */
  async #fill(path: string, whole: RemoteFile, clock: StallClock): Promise<boolean> {
    using part = await Deno.open(path, { read: true, write: true, create: true });
    if (!await part.tryLock(true)) {
      throw new Error(`Cannot pull ${this.#url}: another process is at it. Wait for its end`);
    }
    const { response, kept } = await this.#rest(whole, (await part.stat()).size, clock.signal);
    await part.truncate(kept);
    await part.seek(kept, Deno.SeekMode.Start);
    this.arrived = kept;
    const title = `Pulling ${basename(decodeURIComponent(this.#url.pathname))}`;
    using progress = new ProgressLine(title, whole.byteLength, "bytes", { done: kept });
    for await (const chunk of chunksOf(response)) {
      clock.restart();
      for (let written = 0; written < chunk.length;) written += await part.write(chunk.subarray(written));
      this.arrived += chunk.length;
      progress.update(this.arrived);
      if (this.arrived > (whole.byteLength ?? Infinity)) break;
    }
    await part.syncData();
    return kept > 0;
  }

  /** The answer to read, and how many of the bytes that are there stay before it. */
  async #rest(
    whole: RemoteFile,
    have: number,
    signal: AbortSignal,
  ): Promise<{ readonly response?: Response; readonly kept: number }> {
    const { response, hash, byteLength } = whole;
    const etag = response.headers.get("etag");
    const isStrong = etag !== null && !etag.startsWith("W/");
    // With a hash, a wrong rest would be found out; else the etag makes sure that it is of the same version.
    const canResume = have > 0 && (hash !== undefined || isStrong) && have <= (byteLength ?? Infinity);
    if (!canResume) return { response, kept: 0 };
    await response.body?.cancel();
    if (have === byteLength) return { kept: have };
    const headers = { range: `bytes=${have}-`, ...(isStrong && { "if-range": etag }) };
    const { response: rest } = await request(this.#url, this.#access, headers, signal);
    if (rest.status === 200) return { response: rest, kept: 0 };
    const start = rest.headers.get("content-range")?.match(/^bytes (\d+)-/)?.[1];
    if (rest.status === 206 && Number(start) === have) return { response: rest, kept: have };
    await rest.body?.cancel();
    return { response: (await request(this.#url, this.#access, {}, signal)).response, kept: 0 };
  }
}

/** The name in the cache: another version is another file. */
async function keyOf(url: URL, version: string | undefined): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${url}\n${version ?? ""}`));
  return new Uint8Array(digest).toHex();
}

/** Whether a file is there and has the length and the hash that were told. */
async function isSound(path: string, { hash, byteLength }: RemoteFile): Promise<boolean> {
  try {
    if (byteLength !== undefined && (await Deno.stat(path)).size !== byteLength) return false;
    return hash === undefined || await hashFile(path, hash.length === 64 ? 64 : 40) === hash;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function* chunksOf(response: Response | undefined): AsyncGenerator<Uint8Array> {
  const reader = response?.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: Error) => {
        throw new Interruption(`the transfer broke off (${error.message})`, { cause: error });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // after an error there is nothing to cancel
  }
}
