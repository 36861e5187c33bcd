/** Where Linux keeps the manifests of Vulkan drivers. */
const manifestFolders = ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"];

/**
 * The Vulkan drivers that are installed on Linux, such as `lvp_icd.json (Vulkan 1.4.335)`: those that `VK_DRIVER_FILES` or
 * `VK_ICD_FILENAMES` names, or all manifests. The NVIDIA driver's own version stands in front. Empty elsewhere.
 */
export function vulkanDrivers(): string[] {
  if (Deno.build.os !== "linux") return [];
  const named = Deno.env.get("VK_DRIVER_FILES") ?? Deno.env.get("VK_ICD_FILENAMES");
  const manifests = named === undefined ? manifestFolders.flatMap(manifestsIn) : named.split(":");
  const kernelDriver = /NVRM version:.*?(\d+\.[\d.]+)/.exec(textOf("/proc/driver/nvidia/version"))?.[1];
  return [
    ...(kernelDriver === undefined ? [] : [`NVIDIA ${kernelDriver}`]),
    ...manifests.flatMap(describeManifest),
  ];
}

function manifestsIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".json"))
      .map(({ name }) => `${folder}/${name}`).sort();
  } catch {
    return []; // there is no such folder
  }
}

function describeManifest(path: string): string[] {
  const version = /"api_version"\s*:\s*"([\d.]+)"/.exec(textOf(path))?.[1];
  return version === undefined ? [] : [`${path.split("/").at(-1)} (Vulkan ${version})`];
}

/** The text of a file, empty where it cannot be read. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
