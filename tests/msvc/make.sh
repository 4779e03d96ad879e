#!/bin/bash
# Runs Makefile.msvc as nmake would on Windows, with stand-ins for Microsoft's tools: make.sh [MAKE ARGUMENT ...]
#
# Every line of a recipe goes through Wine's cmd.exe. See README.md. The result lies in build/msvc.
set -euo pipefail
source "$(dirname "$0")/../../scripts/env.sh"

"$ROOT/tests/msvc/prepare.sh"
"$ROOT/scripts/deps.sh" msvc
wine_prepare
source "$ROOT/tests/msvc/environment.sh"

# Two builds at once would write the same objects.
exec 9>"$BUILD/.msvc.lock"
flock 9
# shellcheck disable=SC1003  # these are Windows' paths
make -C "$ROOT" --no-print-directory -f Makefile.msvc -j"$(nproc)" SHELL="$ROOT/tests/msvc/shell.sh" \
    'DEPS=build\deps\msvc' "$@" 9>&-
