#!/bin/bash
# Counts how many instructions of Fairlead's own code above the seam one message costs: scripts/instructions.sh [OPTION ...]
#
#   (none)           counts, and compares with tests/bench/instructions.json: TAP, with a table and the dearest functions
#   --update         writes what it counts into that file: after a change that is to cost more, or that made it cheaper
#   --record FILE    another file than that one, for before and after: first with --update, then without
#   --only NAME ...  these scenarios only; --list shows their names
#
# callgrind counts the native program of tests/bench/instructions on the simulated port, with fixed traffic and nothing left to chance: no
# times, so it may run beside anything. The values hold for one compiler; with another one the comparison is one skipped test.
set -euo pipefail
source "$(dirname "$0")/env.sh"

need_packages build instructions
mkdir -p "$BUILD/bench"
log=$BUILD/bench/build-instructions.log
"$ROOT/scripts/build.sh" build-instructions >"$log" 2>&1 || { tail "$log" >&2; fail "does not build, see $log"; }
exec env PYTHONPATH="$ROOT/tests/bench" "$PYTHON" -B -m instructions "$@"
