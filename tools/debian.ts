/**
 * Debian's packages, installed without questions.
 * @module
 */

/** The system as `/etc/os-release` tells; empty where there is none. */
export function osRelease(): Map<string, string> {
  try {
    const lines = Deno.readTextFileSync("/etc/os-release").split("\n");
    return new Map(
      lines.filter((line) => line.includes("=")).map((line) => {
        const [name = "", ...value] = line.split("=");
        return [name, value.join("=").replace(/^"|"$/g, "")];
      }),
    );
  } catch {
    return new Map();
  }
}

/** What the system is, and what it is like. */
export function systems(): string[] {
  const release = osRelease();
  return `${release.get("ID") ?? ""} ${release.get("ID_LIKE") ?? ""}`.split(" ");
}

/** Whether packages can be installed: root on a system with apt. */
export function canInstall(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0 && systems().includes("debian");
}

/** Runs apt-get without questions; its output is shown only when it fails. */
export async function apt(args: readonly string[]): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command("apt-get", {
    args: ["-y", "-q", "-o", "DPkg::Lock::Timeout=120", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
  }).output();
  if (!success) {
    await Deno.stderr.write(stdout);
    await Deno.stderr.write(stderr);
  }
  return success;
}
