#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one command: on a bare Linux machine (x86-64) with NVIDIA's driver and no
# network, in under nine minutes. It needs the folder that bench/pack.sh makes.
#
#     bash bench/gpu.sh [--size tiny|small|medium|official] [--icd FILE] [--seconds N] [FOLDER]
#
# Results go to FOLDER ($OUT when not given): a table, eleven files in all. Every section has a time limit of its own; one
# that fails, hangs or cannot be is said to have done so, and the others run. --icd names another driver of Vulkan, such as
# /usr/share/vulkan/icd.d/lvp_icd.json for a trial without a GPU. CARRY names the carried folder.
set -u
size=official icd= seconds=520 out=${OUT:-}
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2; shift 2 ;;
    --icd) icd=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    -*) echo "error: Unknown option \"$1\"" >&2; exit 2 ;;
    *) out=$1; shift ;;
  esac
done
root=$(cd "$(dirname "$0")/.." && pwd)
carry=${CARRY:-$root/.carry}
if [ -z "$out" ]; then echo "error: Name the folder for the results, or set OUT" >&2; exit 2; fi
if [ ! -e "$carry/deno.xz" ]; then echo "error: \"$carry\" has no deno.xz: make it with bench/pack.sh" >&2; exit 2; fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/bgpt-gpu.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$out/log.txt
: >"$log"
: >"$work/sections"
say() { echo "$*" | tee -a "$log"; }

# A bare machine may have no xz; Python has its library.
unxz_to_stdout() {
  if command -v xz >/dev/null; then xz -dc "$1"
  else python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"; fi
}
unpack() { mkdir -p "$2" && unxz_to_stdout "$1" | tar -x -C "$2"; }

# section NAME LIMIT FILE COMMAND…: what it prints is added to FILE (- for the log alone).
section() {
  local name=$1 limit=$2 file=$3 left=$((seconds - SECONDS)) start=$SECONDS code outcome complaint
  shift 3
  if [ "$left" -lt 10 ]; then
    say "== $name: not run, the time was used up"
    echo "$name|not run, the time was used up|0" >>"$work/sections"
    return
  fi
  if [ "$limit" -gt "$left" ]; then limit=$left; fi
  say "== $name"
  timeout --kill-after=5 "$limit" "$@" >"$work/stdout" 2>"$work/stderr"
  code=$?
  if [ "$file" != - ]; then cat "$work/stdout" >>"$out/$file"; else tee -a "$log" <"$work/stdout"; fi
  cat "$work/stderr" >>"$log"
  complaint=$( (grep -v '^$' "$work/stderr" | tail -1; grep '^error' "$work/stderr") | tail -1 | cut -c1-300 | tr '|' '/')
  case $code in
    0) outcome=done ;;
    2) outcome="skipped: $complaint" ;;
    124 | 137) outcome="stopped after $limit s; what it had printed is kept" ;;
    *) outcome="failed ($code): $complaint" ;;
  esac
  say "== $name: $outcome ($((SECONDS - start)) s)"
  echo "$name|$outcome|$((SECONDS - start))" >>"$work/sections"
}

unpack_everything() {
  mkdir -p "$work/bin" "$work/bgpt" "$work/deno"
  unxz_to_stdout "$carry/deno.xz" >"$work/bin/deno" && chmod +x "$work/bin/deno"
  unpack "$carry/npm.tar.xz" "$work/deno"
  unpack "$carry/dawn.tar.xz" "$work/dawn"
  unpack "$carry/lib.tar.xz" "$work/carried-lib"
  # The tests look for it beside the checkout, which is copied, so that nothing is written into it.
  if [ -e "$carry/shared.tar.xz" ]; then unpack "$carry/shared.tar.xz" "$work/shared"; fi
  tar -C "$root" -c --exclude=./.git --exclude=./.carry --exclude=./node_modules --exclude=./runs . |
    tar -x -C "$work/bgpt"
  "$work/bin/deno" --version
}
export -f unpack_everything unpack unxz_to_stdout
export root carry work
section unpack 60 - bash -c unpack_everything
export PATH=$work/bin:$PATH DENO_DIR=$work/deno BGPT_DAWN=$work/dawn/index.js
export XDG_CACHE_HOME=$work/cache HF_HUB_OFFLINE=1 DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 DENO_WEBGPU_BACKEND=vulkan XDG_RUNTIME_DIR=$work
cd "$work/bgpt" || exit 1

# Libraries that this machine lacks come from the carried ones, those of the driver from where it is mounted.
known() { ldconfig -p 2>/dev/null | grep -q "$1"; }
mkdir -p "$work/lib"
for library in "$work"/carried-lib/*; do
  known "$(basename "$library") " || cp "$library" "$work/lib"
done
paths=$work/lib
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do
  if [ -d "$folder" ]; then paths=$paths:$folder; fi
done
export LD_LIBRARY_PATH=$paths${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# The driver of Vulkan: the one that is named, those that are installed, or NVIDIA's library alone, with X or without.
candidates=()
if [ -n "$icd" ]; then candidates=("$icd")
else
  for folder in /usr/local/nvidia/share /etc /usr/share /usr/local/share; do
    if [ -e "$folder/vulkan/icd.d/nvidia_icd.json" ]; then candidates+=("$folder/vulkan/icd.d/nvidia_icd.json"); fi
  done
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    file=$work/$library.json
    echo "{\"file_format_version\":\"1.0.0\",\"ICD\":{\"library_path\":\"$library\",\"api_version\":\"1.3.0\"}}" >"$file"
    candidates+=("$file")
  done
fi
for candidate in "${candidates[@]}"; do
  export VK_DRIVER_FILES=$candidate VK_ICD_FILENAMES=$candidate
  if adapter=$(timeout 60 deno run -A --no-config tools/probe_adapter.ts 2>>"$log"); then
    say "Vulkan by $candidate: $adapter"
    break
  fi
  say "No adapter by $candidate"
  adapter=
done
if [ -z "$adapter" ]; then
  say "error: No driver of Vulkan gave an adapter; what there is of NVIDIA's:"
  { ldconfig -p | grep -i nvidia; ls /usr/local/nvidia/lib* /usr/share/vulkan/icd.d /etc/vulkan/icd.d; } 2>&1 | tee -a "$log"
fi
command -v nvidia-smi >/dev/null && nvidia-smi 2>&1 | tee -a "$log"

# Without the lock file, which asks for packages that nothing here imports.
offline=(--no-lock --cached-only --no-check -A)
bgpt() { section "$1" "$2" "$3" deno run "${offline[@]}" cli/main.ts "${@:4}"; }
bench() { section "$1" "$2" "$3" deno run "${offline[@]}" bench/main.ts "${@:4}"; }
tests() { section "$1" "$2" - env BGPT_REQUIRE_GPU=1 deno test "${offline[@]}" --parallel "${@:3}"; }
step=(--size "$size" --device gpu --json)
batches=(--batch 1,4,16 --dropout 0.1)
if [ "$size" != official ]; then batches=(--dropout 0.1); fi
peer=(--no-own --peer "$work/shared/bench/torch_bgpt.py" --size "$size" --patches 16 --json)
if [ "$size" = official ]; then peer+=(--batch 1,4,16); fi

bgpt "doctor" 40 - doctor
bench "first checks, native" 40 checks.json checks --webgpu native --json
bench "first checks, Dawn" 40 checks.json checks --webgpu dawn --json
tests "model against fixtures" 60 tests/core/parity_test.ts tests/core/classification_parity_test.ts
bench "training, native" 75 native.json train "${step[@]}" "${batches[@]}" --no-kernels
bench "peers" 130 peers.json peers "${peer[@]}"
bench "kernels, native" 60 native.json kernels "${step[@]}"
bench "generation, native" 40 native.json generate "${step[@]}" --patches 16
bench "training, Dawn" 60 dawn.json train "${step[@]}" "${batches[@]}" --no-kernels --webgpu dawn
bench "training, Dawn, mixed" 60 dawn.json train "${step[@]}" "${batches[@]}" --no-kernels --webgpu dawn --precision mixed
bench "mixed precision beside f32" 45 precision.json precision --size small --webgpu dawn --steps 500 --json
bench "training, Dawn, mixed, tuned" 60 tuned.json train "${step[@]}" --batch 4 --dropout 0.1 --no-kernels --webgpu dawn --precision mixed --tune
bench "training, native, tuned" 60 tuned.json train "${step[@]}" --batch 4 --dropout 0.1 --no-kernels --tune
bench "kernels, Dawn" 50 dawn.json kernels "${step[@]}" --webgpu dawn
bench "kernels, Dawn, mixed" 50 dawn.json kernels "${step[@]}" --webgpu dawn --precision mixed
tests "kernels against f64" 60 tests/kernels tests/core/mixed_precision_test.ts
section "mixed precision on tensor cores" 40 - env BGPT_REQUIRE_GPU=1 BGPT_TEST_WEBGPU=dawn deno test "${offline[@]}" tests/core/mixed_precision_test.ts
bench "training, native, mixed" 50 native.json train "${step[@]}" "${batches[@]}" --no-kernels --precision mixed
bench "generation, Dawn" 30 dawn.json generate "${step[@]}" --patches 16 --webgpu dawn
bench "generation, Dawn, mixed" 30 dawn.json generate "${step[@]}" --patches 16 --webgpu dawn --precision mixed
bench "training, Dawn unchecked" 40 unchecked.json train "${step[@]}" --dropout 0.1 --no-kernels --webgpu dawn --webgpu-unchecked
bgpt "doctor as JSON" 30 doctor.json doctor --json

cat "$work"/cache/bgpt/tuning/*.json >"$out/tuning.json" 2>/dev/null || rm -f "$out/tuning.json"
cp "$work/sections" "$out/sections.txt"
deno run "${offline[@]}" bench/main.ts table "$out" >"$out/table.md" 2>>"$log" || say "error: Cannot write the table"
rm -f "$out/sections.txt"
cat "$out/table.md"
echo "Results are in $out after $SECONDS s"
