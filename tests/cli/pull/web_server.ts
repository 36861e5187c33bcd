/** What was asked of a server. */
export interface Asked {
  readonly path: string;
  readonly headers: Headers;
}

/** What it answers, to the letter: nothing sees to it that the headers tell the truth. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
  /** The connection stays open, and nothing more comes. */
  readonly hangs?: true;
}

/** A web server on a free port of this machine that closes each connection behind its answer. */
export class WebServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #hanging: Deno.TcpConn[] = [];
  readonly #answer: (asked: Asked, count: number) => Answer;
  /** Everything asked so far. */
  readonly asked: Asked[] = [];

  constructor(answer: (asked: Asked, count: number) => Answer) {
    this.#answer = answer;
    this.#serve();
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** The headers of this name that were asked with, in their order. */
  askedHeaders(name: string): (string | null)[] {
    return this.asked.map(({ headers }) => headers.get(name));
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#hanging) connection.close();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) await this.#reply(connection);
  }

  async #reply(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65536);
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) return connection.close();
      head += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const [first, ...lines] = head.trim().split("\r\n");
    const headers = new Headers(lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
    const asked = { path: first!.split(" ")[1]!, headers };
    this.asked.push(asked);
    const { status, headers: answered = {}, body = new Uint8Array(), hangs } = this.#answer(
      asked,
      this.asked.length,
    );
    const reply = Object.entries({ "content-length": body.length, ...answered, connection: "close" });
    const text = `HTTP/1.1 ${status} X\r\n${
      reply.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    }\r\n`;
    try {
      for (const bytes of [new TextEncoder().encode(text), body]) {
        for (let written = 0; written < bytes.length;) {
          written += await connection.write(bytes.subarray(written));
        }
      }
    } catch {
      // Whoever asked has read enough.
    }
    if (hangs) this.#hanging.push(connection);
    else connection.close();
  }
}

/** Answers with a part of the file where one is asked for. */
export function fileAnswer(
  bytes: Uint8Array,
  { headers }: Asked,
  more: Readonly<Record<string, string | number>> = {},
): Answer {
  const start = headers.get("range")?.match(/^bytes=(\d+)-$/)?.[1];
  if (start === undefined) return { status: 200, headers: more, body: bytes };
  const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  return { status: 206, headers: { ...more, "content-range": range }, body: bytes.subarray(Number(start)) };
}

/** The same answer, broken off after some bytes of its body. */
export function brokenOff(answer: Answer, byteLength: number): Answer {
  const { body = new Uint8Array(), headers } = answer;
  return {
    ...answer,
    headers: { "content-length": body.length, ...headers },
    body: body.subarray(0, byteLength),
  };
}

/** The SHA-256 in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
