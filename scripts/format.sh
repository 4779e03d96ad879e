#!/bin/bash
# Formats every C source and header in place (make format).
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages lint
cd "$ROOT"
find config server tests package -name '*.[ch]' -print0 | xargs -0 -r clang-format-14 -i --style=file
