import type { HubAccess } from "./hub.ts";

/** A transfer has broken off, or could not start: trying again may help. */
export class Interruption extends Error {
  override name = "Interruption";
}

/** What is known of a file before its bytes are read. */
export interface RemoteFile {
  /** The answer that holds the bytes, or a part of them. */
  readonly response: Response;
  /** The SHA-256 of the file, or the SHA-1 of its git blob, in hexadecimal, where the hub tells it. */
  readonly hash?: string;
  /** How long the whole file is; undefined when nobody tells. */
  readonly byteLength?: number;
}

const mostRedirects = 10;

/**
 * Asks for a file, or for its rest, and follows redirects. Sends the token to the host of the hub alone.
 *
 * @param headers such as `range`
 * @throws {Interruption} when trying again may help
 * @throws {Error} when it will not
 */
export async function request(
  url: URL,
  access: HubAccess,
  headers: Readonly<Partial<Record<"range" | "if-range", string>>>,
  signal: AbortSignal,
): Promise<RemoteFile> {
  let linkedHash: string | undefined;
  let linkedLength: number | undefined;
  let at = url;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const isHub = at.origin === access.endpoint.origin;
    const response = await fetch(at, {
      headers: {
        ...headers,
        // Bytes as they are stored: lengths and ranges count those.
        "accept-encoding": "identity",
        ...(isHub && access.token !== undefined && { authorization: `Bearer ${access.token}` }),
      },
      redirect: "manual",
      signal,
    }).catch((error: Error) => {
      throw new Interruption(`${at.host} cannot be reached (${reasonOf(error)})`, { cause: error });
    });
    if (isHub) {
      // The hub redirects large files to other hosts, and tells before what will be found there.
      linkedHash ??= hashOf(response.headers.get("x-linked-etag"));
      linkedLength ??= lengthOf(response.headers.get("x-linked-size"));
    }
    if (![301, 302, 303, 307, 308].includes(response.status)) {
      const expected = "range" in headers ? [200, 206, 416] : [200];
      if (!expected.includes(response.status)) await refuse(response, url, at, access);
      const hash = linkedHash ?? (isHub ? hashOf(response.headers.get("etag")) : undefined);
      const byteLength = linkedLength ??
        (response.status === 200 ? lengthOf(response.headers.get("content-length")) : undefined);
      return { response, ...(hash && { hash }), ...(byteLength !== undefined && { byteLength }) };
    }
    await response.body?.cancel();
    at = redirectTarget(response, url, at);
  }
  throw new Error(`Cannot pull ${url}: it redirects more than ${mostRedirects} times`);
}

/** Where a redirect leads: to the web, and not from a secure address to another kind. */
function redirectTarget(response: Response, url: URL, from: URL): URL {
  const location = response.headers.get("location");
  const target = location === null ? null : URL.parse(location, from);
  if (target === null) throw new Error(`Cannot pull ${url}: it redirects to nowhere`);
  if (target.protocol === "https:" || (target.protocol === "http:" && from.protocol === "http:")) {
    return target;
  }
  throw new Error(
    `Cannot pull ${url}: it redirects to ${target.protocol}//${target.host}, which is not secure`,
  );
}

async function refuse(response: Response, url: URL, at: URL, access: HubAccess): Promise<never> {
  await response.body?.cancel();
  const { status } = response;
  if (status === 408 || status === 429 || status >= 500) {
    throw new Interruption(`${at.host} answered ${status}`);
  }
  const reason = {
    401: access.token === undefined
      ? "it needs a login, or does not exist. Check the name, and set HF_TOKEN to a token that may read it"
      : "it does not exist, or HF_TOKEN is not accepted. Check the name and the token",
    403: "access is refused. Accept its terms on its page, and set HF_TOKEN to a token that may read it",
    404: "there is no such file. Check the name and the revision",
  }[status] ?? "try another address";
  throw new Error(`Cannot pull ${url}: ${at.host} answered ${status}; ${reason}`);
}

/** The innermost of the reasons that Deno gives, such as `Connection refused (os error 111)`. */
function reasonOf(error: Error): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.split(": ").at(-1)!;
}

function hashOf(etag: string | null): string | undefined {
  return etag?.match(/^(?:W\/)?"?([0-9a-f]{64}|[0-9a-f]{40})"?$/)?.[1];
}

function lengthOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
