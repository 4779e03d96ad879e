#!/bin/bash
# Runs one Windows program under Wine: scripts/wine.sh PROGRAM.exe [ARGUMENT ...]
#
# This process becomes the program, so signals reach it and its exit code is the one seen here.
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages run >&2
wine_prepare
exec "$WINE" "$@"
