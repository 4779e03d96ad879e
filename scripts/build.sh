#!/bin/bash
# Builds what is named, build/mingw/fairlead.exe by default: scripts/build.sh [MAKE ARGUMENT ...]
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages build
"$ROOT/scripts/deps.sh"
mkdir -p "$BUILD"
# Two builds at once would write the same objects. The lock is this shell's alone: nothing that make leaves
# running keeps it.
exec 9>"$BUILD/.make.lock"
flock 9
make -C "$ROOT" --no-print-directory -j"$(nproc)" "$@" 9>&-
