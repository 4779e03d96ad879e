#!/bin/bash
# Measures Fairlead beside its peers under Wine, and verifies every byte: scripts/bench.sh [OPTION ...]
#
#   --quick                  fewer cells and peers, shorter: under 3 minutes once everything is built
#   --rounds N --seconds S   how often each contestant is measured in each cell, and for how long
#   --only echo|proxy        one of the services
#   --peers A,B              these peers only; none for Fairlead alone
#   --cells REGEX            the cells whose name matches; --list shows the names
#   --calls, --no-calls      only count the calls for each message; do not count them
#   --exe FILE --label NAME  a build of Fairlead, repeatable: all are measured in the same run, for before and after;
#                            --key K=V behind it sets a key of its [server] section
#   --out DIR                where results.json, report.txt, report.md and performance.svg go (build/bench/results/DATE)
#   --from DIR               the reports of an earlier run; nothing is measured
#   --update-docs            puts the tables and the chart into docs/performance.md
#
# docs/performance.md says how it measures and what that is worth. The exit code is 1 when a contestant lost a byte.
set -euo pipefail
source "$(dirname "$0")/env.sh"

# What the arguments decide before Python reads them: whether there is something to build.
PEERS=yes
BUILDS=yes
previous=
for argument in "$@"; do
    case $previous$argument in
    --peersnone | --peers=none) PEERS=no ;;
    --from* | --help | -h) BUILDS=no ;;
    esac
    previous=
    [ "$argument" != --peers ] || previous=--peers
done

need_packages build run test
mkdir -p "$BUILD/bench"

# Two runs at the same time would measure each other.
exec 8>"$BUILD/bench/.lock"
flock -n 8 || fail "another run of scripts/bench.sh is under way"

if [ "$BUILDS" = yes ]; then
    log=$BUILD/bench/build.log
    "$ROOT/scripts/build.sh" all build-bench >"$log" 2>&1 8>&- || { tail "$log" >&2; fail "does not build, see $log"; }
    if [ "$PEERS" = yes ]; then
        say "building the peers; the first time takes minutes" >&2
        "$ROOT/scripts/bench_peers.sh" >"$BUILD/bench/peers.log" 2>&1 8>&- ||
            { tail "$BUILD/bench/peers.log" >&2; fail "the peers cannot be built, see $BUILD/bench/peers.log"; }
    fi
    export WINEPREFIX=$BUILD/wine-bench
    wine_prepare 8>&-
    export FAIRLEAD_WINE=$WINE
fi
# A network of its own has no lack of ports, and nobody else's traffic (tests/bench/harness/network.py).
APART=()
if [ "$BUILDS" = yes ]; then
    for options in --net "--net --map-root-user"; do
        # shellcheck disable=SC2086  # several options
        if unshare $options true 2>/dev/null; then
            # shellcheck disable=SC2206
            APART=(unshare $options env BENCH_OWN_NETWORK=yes)
            break
        fi
    done
fi

# Python keeps the lock until it ends, and passes it on to nobody.
exec "${APART[@]}" env PYTHONPATH="$ROOT/tests/bench:$ROOT/tests/system" "$PYTHON" -B -m harness "$@"
