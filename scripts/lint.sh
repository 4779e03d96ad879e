#!/bin/bash
# Checks the rules of the house: scripts/lint.sh [RULE ...], all when none is named. See scripts/lint.py.
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages lint
# clang-tidy reads the libraries' headers.
"$ROOT/scripts/deps.sh" native >&2
exec "$PYTHON" -B "$ROOT/scripts/lint.py" "$@"
