/**
 * Mesa's software Vulkan, for machines without a GPU: how to install it, and its installation where that is possible.
 * @module
 */
import { apt, osRelease, systems } from "./debian.ts";

/** Debian's keys, which the package debian-archive-keyring puts there. */
const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg";

const packages = ["libvulkan1", "mesa-vulkan-drivers"];

/** What a person has to type to get a software Vulkan here. */
export function installCommand(): string {
  const known = systems();
  if (known.includes("debian")) return `sudo apt-get install -y ${packages.join(" ")}`;
  if (known.includes("fedora")) return "sudo dnf install -y vulkan-loader mesa-vulkan-drivers";
  if (known.includes("arch")) return "sudo pacman -S --needed vulkan-icd-loader vulkan-swrast";
  return "install a Vulkan driver, such as lavapipe of Mesa";
}

/**
 * Installs Mesa's software Vulkan with apt and says so. Debian's backports are preferred, as the Mesa 22 of Debian 12
 * is six times slower than the Mesa 25 of its backports (2 cores, 2026-11); they are looked up on the mirror that apt
 * uses anyway, for these commands only: no file of apt's configuration is changed.
 *
 * @returns whether it worked
 */
export async function installSoftwareVulkan(): Promise<boolean> {
  console.log(`No Vulkan adapter: installing Mesa's software Vulkan (apt-get install ${packages.join(" ")})`);
  const folder = await Deno.makeTempDir();
  try {
    if (!await apt(["update"])) {
      console.log("apt-get update failed; going on with the package lists that are there");
    }
    const backports = await addBackports(folder);
    if (backports !== undefined) {
      const sources = ["-o", `Dir::Etc::SourceParts=${folder}`];
      console.log(`Trying ${backports} first: its Mesa is newer and faster`);
      if (await apt([...sources, "update"])) {
        if (await apt([...sources, "install", "--no-install-recommends", "-t", backports, ...packages])) {
          return true;
        }
      }
    }
    return await apt(["install", "--no-install-recommends", ...packages]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Copies apt's source lists to the folder and adds the backports of the release.
 *
 * @returns the name of the backports, if the system is Debian and its mirror is known
 */
async function addBackports(folder: string): Promise<string | undefined> {
  const release = osRelease();
  const codename = release.get("VERSION_CODENAME");
  if (release.get("ID") !== "debian" || codename === undefined) return undefined;
  const targets = await new Deno.Command("apt-get", {
    args: [
      "indextargets",
      "--format",
      "$(REPO_URI)",
      "Created-By: Packages",
      `Codename: ${codename}`,
      "Component: main",
    ],
    stdin: "null",
  }).output();
  const mirror = new TextDecoder().decode(targets.stdout).split("\n")[0];
  if (!mirror) return undefined;
  for (const { name, isFile } of Deno.readDirSync("/etc/apt/sources.list.d")) {
    if (isFile) Deno.copyFileSync(`/etc/apt/sources.list.d/${name}`, `${folder}/${name}`);
  }
  const backports = `${codename}-backports`;
  Deno.writeTextFileSync(
    `${folder}/backports.list`,
    `deb [signed-by=${debianKeys}] ${mirror} ${backports} main\n`,
  );
  return backports;
}
