#!/bin/bash
# Fuzzes the parsers of foreign bytes with libFuzzer, ASan and UBSan.
#
#   scripts/fuzz.sh [--seconds N] [NAME ...]    each target of tests/fuzz (http, ini ...) for N seconds (30)
#   scripts/fuzz.sh --replay FILE NAME          one input again
#
# What is found on the way is kept in build/fuzz/corpus for the next run; an input that fails lies in build/fuzz, and becomes
# a regression input by copying it to tests/fuzz/seeds/NAME. The exit code is 1 when a target failed.
set -euo pipefail
source "$(dirname "$0")/env.sh"

SECONDS_EACH=30
REPLAY=
NAMES=()

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | grep -v '^set' >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --replay) [ $# -ge 2 ] || usage ;;
    esac
    case $1 in
    --seconds) SECONDS_EACH=$2 && shift ;;
    --replay) REPLAY=$2 && shift ;;
    -*) usage ;;
    *)
        [ -e "$ROOT/tests/fuzz/fuzz_$1.c" ] || fail "no such target: $1"
        NAMES+=("$1")
        ;;
    esac
    shift
done
if [ ${#NAMES[@]} = 0 ]; then
    mapfile -t NAMES < <(cd "$ROOT/tests/fuzz" && printf '%s\n' fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
fi

fuzz() {
    local corpus=$BUILD/fuzz/corpus/$1 seeds=$ROOT/tests/fuzz/seeds/$1
    mkdir -p "$corpus"
    [ -d "$seeds" ] || seeds=$corpus
    timeout -k 10 $((SECONDS_EACH + 60)) "$BUILD/fuzz/fuzz_$1" -max_total_time="$SECONDS_EACH" -timeout=10 \
        -artifact_prefix="$BUILD/fuzz/" "$corpus" "$seeds"
}

need_packages build fuzz
"$ROOT/scripts/build.sh" build-fuzz >&2
if [ -n "$REPLAY" ]; then
    [ ${#NAMES[@]} = 1 ] || fail "--replay wants the name of one target"
    exec "$BUILD/fuzz/fuzz_${NAMES[0]}" "$REPLAY"
fi
code=0
for name in "${NAMES[@]}"; do
    say "== $name"
    fuzz "$name" || code=1
done
exit "$code"
