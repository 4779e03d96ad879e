#!/bin/bash
# Installs what is missing, builds, and runs the tests.
#
#   scripts/test.sh [KIND ...] [-- PYTEST ARGUMENT ...]
#
#   lint     the rules of the house, and the tests of the lint itself
#   unit     pure code, native, under ASan and UBSan
#   port     the contract of the seam on completion ports, under Wine
#   host     events, crashes, access lists and the service, under Wine
#   fuzz     each parser of foreign bytes for some seconds, native, from its seeds
#   sim      the same contract on the simulator, and whole sessions in it, native
#   system   the real fairlead.exe under Wine with real clients
#   bench    the load generator and its target against each other and against wrong servers, the harness of the benchmark, and the
#            instructions that one message costs, counted by callgrind
#   msvc     Makefile.msvc with stand-ins for Microsoft's tools; what it builds passes port, unit and system tests
#   package  the zip and the installer, and msiexec under Wine
#   wine10   port and system once more under a newer Wine, which shows resets as Windows does
#
# All of them when none is named, in two lanes at the same time: what waits for Wine most of the time, and what
# computes; the second lane's words are printed when it ends. Logs go to build/test-logs. The last line is
# the sum of all; the exit code is 0 when nothing failed and every kind ran something. FAIRLEAD_EXE names
# another executable for the system tests, FAIRLEAD_WINE another wine64.
set -euo pipefail
source "$(dirname "$0")/env.sh"

LOGS=$BUILD/test-logs
PASSED=0
FAILED=0
SKIPPED=0

# A test that hangs must not keep the others from being counted. Seconds; CI has an hour and a half.
LIMIT_PROGRAM=300
LIMIT_SIM=900
LIMIT_SYSTEM=3000
LIMIT_PACKAGE=900

# Enough to find what a change breaks; finding more is for longer runs by hand:
# FUZZ_SECONDS=3600 scripts/test.sh fuzz
FUZZ_SECONDS=${FUZZ_SECONDS:-30}

# What does not depend on which Wine it is, or mostly waits for timers. What is marked slow is left out too.
WINE10_LEFT_OUT=(test_config_errors.py test_log.py test_pe_header.py test_postgres.py test_redis.py
    test_timeouts.py)

# The second executable differs in its compiler and C library: what asks the most of these, and nothing that waits long.
MSVC_SYSTEM=(cli pe_header echo proxy half_close limits stop 'stats*' dual_stack large_transfer busy_address admin_access
    'reload*' 'service*')

# How much of a failed program's log is shown: CI's machine, and the log on it, may be gone by then.
EXCERPT_LINES=60

# ---- counting ----------------------------------------------------------------------------------------------

# count NAME FORMAT EXIT_CODE RESULTS LOG: adds the results of one program to the sums and says what failed.
count() {
    local name=$1 format=$2 code=$3 results=$4 log=$5 tally passed failed skipped
    tally=$("$PYTHON" -B "$ROOT/scripts/tally.py" "$format" "$code" "$results")
    read -r passed failed skipped <<<"$tally"
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    SKIPPED=$((SKIPPED + skipped))
    printf '   %-32s passed %d, failed %d, skipped %d\n' "$name" "$passed" "$failed" "$skipped"
    [ "$failed" = 0 ] && return 0
    tail -n +2 <<<"$tally" | sed "s/^/   FAILED $name: /"
    [ "$format" = junit ] || excerpt "$log"
}

excerpt() {
    say "   --- from ${1#"$ROOT"/}"
    { grep -vE '^ok |# SKIP' "$1" || true; } | tail -n "$EXCERPT_LINES" | sed 's/^/   | /'
}

# What cannot even be built or started is one failure, and the other kinds still run.
count_broken() {
    FAILED=$((FAILED + 1))
    say "   FAILED $1: $2"
    excerpt "$3"
}

# run_tap NAME LIMIT COMMAND...: one program that prints TAP.
run_tap() {
    local name=$1 limit=$2 log=$LOGS/$1.log code=0
    shift 2
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
    count "$name" tap "$code" "$log" "$log"
}

# run_pytest NAME LIMIT ARGUMENT...: pytest's own closing line is left out, because the sum of all is to be
# the only one.
run_pytest() {
    local name=$1 limit=$2 log=$LOGS/$1.log results=$LOGS/$1.xml code=0
    shift 2
    rm -f "$results"
    timeout -k 10 "$limit" "$PYTHON" -B -m pytest -p no:cacheprovider -v --junitxml="$results" "$@" \
        </dev/null 2>&1 | tee "$log" |
        grep --line-buffered -vE '^=+ .*[0-9.]+s( \(.*\))? =+$' || code=${PIPESTATUS[0]}
    count "$name" junit "$code" "$results" "$log"
}

# What cannot run on this machine is one skipped test.
count_skipped() {
    SKIPPED=$((SKIPPED + 1))
    say "   skipped $1: $2"
}

build() {
    local log=$LOGS/build-$1.log
    shift
    "$ROOT/scripts/build.sh" "$@" >"$log" 2>&1
}

# ---- the kinds ---------------------------------------------------------------------------------------------

kind_lint() {
    run_tap lint "$LIMIT_PROGRAM" "$ROOT/scripts/lint.sh"
    run_pytest lint-tests "$LIMIT_PROGRAM" -q "$ROOT/tests/lint"
}

kind_unit() {
    build unit build-unit || { count_broken unit "does not build" "$LOGS/build-unit.log"; return 0; }
    local program
    for program in "$BUILD"/native/unit/test_*; do
        # A program whose source is gone may still lie there.
        [ -e "$ROOT/tests/unit/$(basename "$program").c" ] || continue
        run_tap "$(basename "$program")" "$LIMIT_PROGRAM" "$program"
    done
}

kind_port() {
    build port build-port || { count_broken port "does not build" "$LOGS/build-port.log"; return 0; }
    wine_prepare
    run_tap port-iocp "$LIMIT_PROGRAM" "$WINE" "$BUILD/mingw/port_suite.exe"
    run_few_handles
}

# What happens when handles run out. The limit is the Wine server's, so it has to start under it: in a prefix of
# its own, where none runs.
run_few_handles() {
    local -x WINEPREFIX=$BUILD/wine-few
    wine_prepare
    timeout 60 "$(dirname "$WINE")/wineserver64" -w || true
    # shellcheck disable=SC2016  # for the inner shell
    run_tap port-few-handles "$LIMIT_PROGRAM" bash -c 'ulimit -n 400; exec "$@"' few-handles \
        "$WINE" "$BUILD/mingw/port_suite.exe" few-handles
}

kind_host() {
    build host all build-host || { count_broken host "does not build" "$LOGS/build-host.log"; return 0; }
    wine_prepare
    run_tap host "$LIMIT_PROGRAM" "$WINE" "$BUILD/mingw/host_suite.exe" "Z:$BUILD/mingw/fairlead.exe"
}

kind_sim() {
    build sim build-sim || { count_broken sim "does not build" "$LOGS/build-sim.log"; return 0; }
    run_tap port-sim "$LIMIT_PROGRAM" "$BUILD/native/port_suite_sim"
    run_tap sim "$LIMIT_SIM" "$ROOT/scripts/sim.sh" --test
}

kind_fuzz() {
    need_packages fuzz
    build fuzz build-fuzz || { count_broken fuzz "does not build" "$LOGS/build-fuzz.log"; return 0; }
    local source
    for source in "$ROOT"/tests/fuzz/fuzz_*.c; do
        run_fuzzer "$(basename "$source" .c)"
    done
}

run_fuzzer() {
    local name=$1 log=$LOGS/$1.log code=0
    "$ROOT/scripts/fuzz.sh" --seconds "$FUZZ_SECONDS" "${name#fuzz_}" >"$log" 2>&1 </dev/null || code=$?
    count "$name" exit "$code" "$log" "$log"
}

kind_system() {
    build system all || { count_broken system "does not build" "$LOGS/build-system.log"; return 0; }
    wine_prepare
    export FAIRLEAD_EXE=${FAIRLEAD_EXE:-$BUILD/mingw/fairlead.exe}
    export FAIRLEAD_WINE=$WINE
    run_pytest system "$LIMIT_SYSTEM" "$ROOT/tests/system" "$@"
}

kind_bench() {
    build bench build-bench build-bench-tests || { count_broken bench "no build" "$LOGS/build-bench.log"; return 0; }
    local program
    for program in "$BUILD"/native/bench/test_*; do
        [ -e "$ROOT/tests/bench/$(basename "$program").c" ] || continue
        run_tap "bench-$(basename "$program")" "$LIMIT_PROGRAM" "$program"
    done
    run_pytest bench "$LIMIT_PROGRAM" -q "$ROOT/tests/bench" "$@"
    run_instructions
}

run_instructions() {
    need_packages instructions
    run_tap instructions "$LIMIT_PROGRAM" "$ROOT/scripts/instructions.sh"
    # No failure, but whoever made it cheaper records it.
    { grep -B 1 'much less than recorded' "$LOGS/instructions.log" || true; } | sed 's/^/   | /'
}

kind_package() {
    need_packages package
    build package all || { count_broken package "does not build" "$LOGS/build-package.log"; return 0; }
    wine_environment
    local -x FAIRLEAD_EXE=${FAIRLEAD_EXE:-$BUILD/mingw/fairlead.exe} FAIRLEAD_WINE=$WINE
    run_pytest package "$LIMIT_PACKAGE" "$ROOT/tests/package" "$@"
}

kind_wine10() {
    local code=0 log=$LOGS/wine10-prepare.log
    "$ROOT/scripts/wine10.sh" --prepare >"$log" 2>&1 </dev/null || code=$?
    case $code in
    0) ;;
    77) count_skipped wine10 "$(tail -n 1 "$log")" && return 0 ;;
    *) count_broken wine10 "cannot be prepared" "$log" && return 0 ;;
    esac
    build wine10 all build-port || { count_broken wine10 "no build" "$LOGS/build-wine10.log"; return 0; }
    run_tap port-iocp-wine10 "$LIMIT_PROGRAM" "$ROOT/scripts/wine10.sh" "$BUILD/mingw/port_suite.exe"

    local -x FAIRLEAD_EXE=${FAIRLEAD_EXE:-$BUILD/mingw/fairlead.exe}
    local -x FAIRLEAD_WINE=$BUILD/wine10-bin/wine64 WINEPREFIX=$BUILD/wine10
    run_pytest system-wine10 "$LIMIT_SYSTEM" -m "not slow" \
        "${WINE10_LEFT_OUT[@]/#/--ignore=$ROOT/tests/system/}" "$ROOT/tests/system" "$@"
}

kind_msvc() {
    need_packages msvc
    if ! command -v clang-cl-14 lld-link-14 llvm-rc-14 >/dev/null; then
        count_skipped msvc "this Debian has no LLVM 14, whose tools stand in for Microsoft's"
        return 0
    fi
    local log=$LOGS/build-msvc.log
    wine_prepare
    local -x FAIRLEAD_WINE=$WINE
    if ! "$ROOT/tests/msvc/make.sh" WERROR=/WX all suites >"$log" 2>&1 </dev/null; then
        count_broken msvc "does not build" "$log"
        return 0
    fi
    run_tap msvc-check "$LIMIT_PROGRAM" "$ROOT/tests/msvc/make.sh" WERROR=/WX check
    run_pytest msvc-scripts "$LIMIT_PROGRAM" -q "$ROOT/tests/msvc"
    local -x FAIRLEAD_EXE=$BUILD/msvc/fairlead.exe
    local name files=()
    for name in "${MSVC_SYSTEM[@]}"; do
        mapfile -t -O ${#files[@]} files < <(compgen -G "$ROOT/tests/system/test_$name.py")
    done
    run_pytest msvc-system "$LIMIT_SYSTEM" -m "not slow" "${files[@]}" "$@"
}

# ---- the whole ---------------------------------------------------------------------------------------------

run_kind() {
    local kind=$1 start=$SECONDS passed=$PASSED failed=$FAILED skipped=$SKIPPED
    shift
    say "== $kind"
    "kind_$kind" "$@"
    if [ "$PASSED $FAILED $SKIPPED" = "$passed $failed $skipped" ]; then
        FAILED=$((FAILED + 1))
        say "   FAILED $kind: ran nothing"
    fi
    say "== $kind: passed $((PASSED - passed)), failed $((FAILED - failed))," \
        "skipped $((SKIPPED - skipped)), $((SECONDS - start)) s"
}

# The kinds of a lane share no Wine prefix with those of the other.
WINE_LANE=(port host system msvc)
OTHER_LANE=(lint unit sim fuzz bench package wine10)

# What both lanes need is there before they part: neither apt nor make runs twice at a time.
prepare_lanes() {
    need_packages fuzz package msvc instructions
    (need_packages wine10) || true # that kind is skipped then, and says why
    # The kinds say what is wrong.
    build lanes all build-unit build-port build-host build-sim build-fuzz build-bench build-bench-tests \
        build-instructions || true
    "$ROOT/scripts/deps.sh" msvc >"$LOGS/deps-msvc.log" 2>&1 </dev/null || true
    wine_prepare
}

run_lanes() {
    local other=$LOGS/other-lane.log kind passed failed skipped
    prepare_lanes
    (
        for kind in "${OTHER_LANE[@]}"; do run_kind "$kind" "$@"; done
        say "$PASSED $FAILED $SKIPPED"
    ) >"$other" 2>&1 &
    local lane=$!
    # shellcheck disable=SC2064  # this lane's number, now
    trap "kill $lane 2>/dev/null || true" EXIT
    for kind in "${WINE_LANE[@]}"; do run_kind "$kind" "$@"; done
    local code=0
    wait "$lane" || code=$?
    trap - EXIT
    if [ "$code" = 0 ]; then
        sed '$d' "$other"
        read -r passed failed skipped < <(tail -n 1 "$other")
    else
        cat "$other"
        say "   FAILED the other lane ended with exit code $code"
        passed=0 failed=1 skipped=0
    fi
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
    SKIPPED=$((SKIPPED + skipped))
}

# cmocka catches crashes by itself; the sanitizers' reports say far more.
test_environment() {
    export CMOCKA_MESSAGE_OUTPUT=TAP
    export ASAN_OPTIONS=detect_leaks=1:allow_user_segv_handler=0:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1
    export PYTHONDONTWRITEBYTECODE=1
    unset PYTEST_ADDOPTS
}

main() {
    local kinds=() kind
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        declare -F "kind_$1" >/dev/null || fail "no such kind: $1 (${WINE_LANE[*]} ${OTHER_LANE[*]})"
        kinds+=("$1")
        shift
    done
    [ "${1:-}" != -- ] || shift
    need_packages build run test lint
    mkdir -p "$LOGS"
    test_environment
    [ ${#kinds[@]} -gt 0 ] || run_lanes "$@"
    for kind in ${kinds[@]+"${kinds[@]}"}; do
        run_kind "$kind" "$@"
    done
    printf '%d passed, %d failed' "$PASSED" "$FAILED"
    [ "$SKIPPED" = 0 ] || printf ', %d skipped' "$SKIPPED"
    printf '\n'
    [ "$FAILED" = 0 ]
}

main "$@"
