#!/bin/bash
# Installs what is missing, builds fairlead.exe, and runs it under Wine.
#
#   scripts/run.sh                  serves server.ini until Ctrl+C
#   scripts/run.sh ARGUMENT ...     runs fairlead with these arguments, in the current folder
#
# What fairlead prints to standard output is all that appears there; everything else goes to standard error.
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages build run >&2
"$ROOT/scripts/build.sh" >&2
wine_prepare >&2
if [ $# = 0 ]; then
    cd "$ROOT"
    set -- run -c server.ini
fi
# This process becomes fairlead: Ctrl+C and kill -INT reach it, and its exit code is the one seen here.
exec "$WINE" "$BUILD/mingw/fairlead.exe" "$@"
