import { tarBlockBytes, tarChecksum, tarField, type tarFields, tarPaddingBytes } from "./tar_header.ts";

/**
 * Writes a tar member by member, as `tar --format=pax` does. The same members give the same bytes: owners and times are
 * left 0. Until {@linkcode TarWriter.close} the tar has no end, and readers refuse it as incomplete.
 *
 * @example
 * ```ts
 * import { TarWriter } from "@bgpt/core/files";
 *
 * using tar = new TarWriter(`${await Deno.makeTempDir()}/corpus.tar`);
 * tar.add("1_0000001.txt", new TextEncoder().encode("Hello"));
 * tar.close();
 * ```
 */
export class TarWriter implements Disposable {
  readonly #file: Deno.FsFile;
  #open = true;

  /**
   * Makes the tar, without members yet.
   * @param path the file, which must not exist
   * @throws {Error} when it exists, or cannot be made
   */
  constructor(path: string) {
    try {
      this.#file = Deno.openSync(path, { write: true, createNew: true });
    } catch (error) {
      const reason = error instanceof Deno.errors.AlreadyExists
        ? "it exists already. Choose another name, or remove it"
        : (error as Error).message;
      throw new Error(`Cannot write tar "${path}": ${reason}`, { cause: error });
    }
  }

  /**
   * Adds a file.
   * @param name its path within the tar, folders separated by `/`
   * @param bytes its content
   * @throws {RangeError} when the name is empty or holds a zero character
   */
  add(name: string, bytes: Uint8Array): void {
    if (name === "" || name.includes("\0")) {
      throw new RangeError(
        `Cannot add ${JSON.stringify(name)} to a tar: a name without zero characters is required`,
      );
    }
    const encoded = new TextEncoder().encode(name);
    // A header's name is 100 bytes of ASCII; any other stands in a member of its own before it.
    if (encoded.length > 100 || encoded.some((byte) => byte > 0x7f)) {
      this.#writeMember("PaxHeader", "x", paxRecord("path", name));
    }
    this.#writeMember(encoded.subarray(0, 100), "0", bytes);
  }

  /** Writes the end of the tar and closes it. */
  close(): void {
    this.#write(new Uint8Array(2 * tarBlockBytes));
    this[Symbol.dispose]();
  }

  /** Closes the file, without the tar's end where {@linkcode TarWriter.close} was not called. */
  [Symbol.dispose](): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  #writeMember(name: string | Uint8Array, type: string, bytes: Uint8Array): void {
    const member = new Uint8Array(tarBlockBytes + bytes.length + tarPaddingBytes(bytes.length));
    const header = member.subarray(0, tarBlockBytes);
    setField(header, "name", name);
    setField(header, "mode", "0000644\0");
    setField(header, "uid", "0000000\0");
    setField(header, "gid", "0000000\0");
    // Eleven octal digits hold 8 GiB - 1, and no Uint8Array is longer.
    setField(header, "size", `${bytes.length.toString(8).padStart(11, "0")}\0`);
    setField(header, "mtime", "00000000000\0");
    setField(header, "type", type);
    setField(header, "magic", "ustar\x0000");
    setField(header, "checksum", `${tarChecksum(header).toString(8).padStart(6, "0")}\0 `);
    member.set(bytes, tarBlockBytes);
    this.#write(member);
  }

  #write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) {
      written += this.#file.writeSync(bytes.subarray(written));
    }
  }
}

function setField(header: Uint8Array, field: keyof typeof tarFields, value: string | Uint8Array): void {
  tarField(header, field).set(typeof value === "string" ? new TextEncoder().encode(value) : value);
}

/** `LENGTH KEY=VALUE` and an end of line, where the length counts its own digits too. */
function paxRecord(key: string, value: string): Uint8Array {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`);
  let byteLength = rest.length;
  while (String(byteLength).length + rest.length !== byteLength) {
    byteLength = String(byteLength).length + rest.length;
  }
  return Uint8Array.from([...new TextEncoder().encode(String(byteLength)), ...rest]);
}
