#!/usr/bin/env bash
# Makes what bench/gpu.sh carries to a machine without network: Deno, Dawn, the Vulkan loader, the npm packages of tests
# and benchmarks, the fixtures and the PyTorch program. Run it with network, on Linux, x86-64; needs deno, npm's registry
# and xz.
#
#     bash bench/pack.sh [FOLDER]      (default: .carry, which git ignores)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
carry=${1:-$root/.carry}
most_bytes=50000000
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$carry"
say() { printf '%-22s %s\n' "$1" "$2"; }
packed() { say "$1" "$(stat -c %s "$carry/$1") bytes"; }
pack_folder() { tar -C "$2" -c --owner=0 --group=0 . | xz -9 -T1 >"$carry/$1"; packed "$1"; }

# Compressing Deno takes a minute: what is there is kept while it is that of the same Deno.
deno=$(deno eval 'console.log(Deno.execPath())')
if [ ! "$carry/deno.xz" -nt "$deno" ]; then xz -9 -T1 -c "$deno" >"$carry/deno.xz"; fi
packed deno.xz

# Of Dawn's package only the native code of this system: 21 of 132 MB. BGPT_DAWN will name its index.js.
package=$(grep -o 'npm:webgpu@[^"]*' "$root/cli/dawn.ts" || echo npm:webgpu@^0.6.2)
(cd "$scratch" && deno cache --quiet --no-lock "$package")
npm=$(deno info --json | grep -o '"npmCache": *"[^"]*"' | cut -d'"' -f4)
from=$(ls -d "$npm"/*/webgpu/[0-9]* | sort -V | tail -1)
mkdir -p "$scratch/dawn/dist"
cp "$from"/{index.js,package.json,LICENSE.md} "$scratch/dawn"
cp -r "$from/dist/linux-x64" "$scratch/dawn/dist"
pack_folder dawn.tar.xz "$scratch/dawn"

# The loader, and what NVIDIA's driver may want beside it; gpu.sh takes only what the machine lacks.
mkdir "$scratch/lib"
for library in libvulkan.so.1 libEGL.so.1 libGLdispatch.so.0 libGLX.so.0 libGL.so.1 libX11.so.6 libXext.so.6 libxcb.so.1 \
  libXau.so.6 libXdmcp.so.6 libbsd.so.0 libmd.so.0; do
  path=$(ldconfig -p | grep -m1 "$library .*x86-64" | sed 's/.*=> //' || true)
  if [ -n "$path" ]; then cp -L "$path" "$scratch/lib/$library"; else say "$library" "is not on this machine: left out"; fi
done
if [ ! -e "$scratch/lib/libvulkan.so.1" ]; then
  echo "error: No Vulkan loader on this machine. On Debian: apt-get install libvulkan1" >&2
  exit 1
fi
pack_folder lib.tar.xz "$scratch/lib"

# The npm packages of what gpu.sh runs. Without the lock file Deno asks for those alone that a program imports.
(cd "$root" && DENO_DIR=$scratch/deno deno cache --quiet --no-lock cli/main.ts tests/kernels/*_test.ts tests/core/*_test.ts \
  bench/{checks,compare,generate,kernels,peers,save,table,train}.ts "$(grep -o 'npm:@jax-js/jax@[0-9.]*' bench/jax_js.ts)")
mkdir "$scratch/cache"
mv "$scratch/deno/npm" "$scratch/cache"
pack_folder npm.tar.xz "$scratch/cache"

# What stands beside the repository where it is built, as far as a run on a GPU reads it.
if [ -d "$root/../shared" ]; then
  mkdir -p "$scratch/shared/fixtures" "$scratch/shared/bench"
  cp -r "$root/../shared/fixtures/dev" "$scratch/shared/fixtures"
  mkdir "$scratch/shared/fixtures/checkpoints"
  cp "$root/../shared/fixtures/checkpoints/"{info.json,weights-cls.pth} "$scratch/shared/fixtures/checkpoints"
  cp "$root/../shared/bench/torch_bgpt.py" "$scratch/shared/bench"
  pack_folder shared.tar.xz "$scratch/shared"
else
  say ../shared "is missing: neither fixtures nor the PyTorch program are carried"
fi

total=$(cat "$carry"/* | wc -c)
say total "$total bytes"
if [ "$total" -gt "$most_bytes" ]; then
  echo "error: $carry has $total bytes; at most $most_bytes can be carried" >&2
  exit 1
fi
