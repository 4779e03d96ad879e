#!/bin/bash
# GNU make's shell while it runs Makefile.msvc: shell.sh -c LINE. The line goes to Wine's cmd.exe as it is.
set -euo pipefail

[ "${1:-}" = -c ] || { echo "shell.sh: -c LINE expected" >&2; exit 99; }
MSVC_LINE=$2 exec "$WINE" "$MSVC_TOOLS/bin/line.exe"
