#!/bin/bash
# Plays simulated worlds around the very objects that fairlead.exe is made of. docs/testing.md explains the method.
#
#   scripts/sim.sh [--seeds N] [--from S] [--scenario NAME]    N worlds (20000) on all processors, then what happened in them
#   scripts/sim.sh --replay S [--scenario NAME] [--verbose]    one world again; --verbose prints each of its steps
#   scripts/sim.sh --shrink S [--scenario NAME]                a failing world without the faults and clients it does not need
#   scripts/sim.sh --fail-nth [--seeds N] [--from S] [--every K]  the world of each seed, once for each call that may fail
#   scripts/sim.sh --mutants [--seeds N] [--only NAMES]        plants each bug of tests/sim/mutants and hunts it
#   scripts/sim.sh --coverage [--seeds N]                      branches of server/relay that N worlds (20000) take
#   scripts/sim.sh --deep ...                                  the first three with workers that are interrupted anywhere in the code
#   scripts/sim.sh --test                                      what scripts/test.sh runs: some of each, as TAP
#
# JOBS=N limits the processes. The exit code is 1 when an invariant failed, and the failing seed is printed.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$ROOT"

JOBS=${JOBS:-$(nproc)}
SIM=$BUILD/native/sim
MODE=seeds
SEEDS=
FROM=1
EVERY=1
SEED=
DEEP=
EXTRA=()
MUTANTS=()

# ---- arguments -------------------------------------------------------------------------------------------------

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | grep -v '^set' >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --seeds | --from | --every | --replay | --shrink | --scenario | --only) [ $# -ge 2 ] || usage ;;
    esac
    case $1 in
    --seeds) SEEDS=$2 && shift ;;
    --from) FROM=$2 && shift ;;
    --every) EVERY=$2 && shift ;;
    --scenario) EXTRA+=(--scenario "$2") && shift ;;
    --deep) DEEP=1 ;;
    --verbose) EXTRA+=(--verbose) ;;
    --replay) MODE=replay SEED=$2 && shift ;;
    --shrink) MODE=shrink SEED=$2 && shift ;;
    --only) MUTANTS+=(--only "$2") && shift ;;
    --fail-nth) MODE=fail_nth ;;
    --mutants) MODE=mutants ;;
    --coverage) MODE=coverage ;;
    --test) MODE="test" ;;
    *) usage ;;
    esac
    shift
done

# Several runs at once do not meet; what failed stays to be read.
LOGS=$BUILD/sim/$MODE-$$
mkdir -p "$LOGS"
trap '[ $? != 0 ] || rm -rf "$LOGS"' EXIT

build() {
    need_packages build
    make -j"$(nproc)" build/native/sim >"$LOGS/build.log" 2>&1 || {
        tail -40 "$LOGS/build.log" >&2
        fail "the simulator does not build"
    }
    [ -z "$DEEP" ] || build_deep
}

# The server's own code once more, with a call at every basic block, at which the simulator may interrupt a worker. The log is left
# out: its queue goes on from world to world, so how many blocks a line takes would depend on the worlds before, and no seed would
# be one schedule. tests/unit tries it with threads.
build_deep() {
    make -j"$(nproc)" N=build/deep NATIVE_CC="gcc -fsanitize-coverage=trace-pc" build/deep/libfairlead.a \
        >"$LOGS/build-deep.log" 2>&1 || fail "the deep build failed: $LOGS/build-deep.log"
    SIM=$BUILD/deep/sim
    gcc -fsanitize=address,undefined build/native/obj/tests/sim/*.o build/native/obj/server/base/{log,line_queue}.o \
        -Wl,--start-group build/native/libsupport.a \
        build/deep/libfairlead.a -Wl,--end-group -Lbuild/deps/native/lib -linih -lcjson -lpicohttpparser -o "$SIM"
}

# ---- many worlds -------------------------------------------------------------------------------------------------

# play PROGRAM FROM SEEDS: on all processors, each with a part of the seeds. The outputs are in $LOGS/part-N.
play() {
    local program=$1 from=$2 seeds=$3 each part pids=() bad=0
    rm -f "$LOGS"/part-*
    each=$(((seeds + JOBS - 1) / JOBS))
    for ((part = 0; part < JOBS && part * each < seeds; part++)); do
        local count=$((seeds - part * each < each ? seeds - part * each : each))
        "$program" --from $((from + part * each)) --seeds "$count" --summary --progress "${EXTRA[@]}" \
            >"$LOGS/part-$part" 2> >(tee "$LOGS/part-$part.errors" >&2) &
        pids+=($!)
    done
    for part in "${pids[@]}"; do
        wait "$part" || bad=1
    done
    return $bad
}

# The tables of all parts added up.
summarize() {
    cat "$LOGS"/part-*[0-9] | awk '
        / worlds from seed / { worlds += $1; steps += $6; rate += $(NF - 3) }
        /^  .* worlds$/      { of[$1] += $2; next }
        /^fault pairs/       { pairs = $0 }
        /^reload: /          { if (!($2 in given)) changes[++m] = $2; given[$2] += $3; refused[$2] += $5; next }
        /^  /                { if (!($1 in times)) order[++n] = $1; times[$1] += $2; in_worlds[$1] += $3 }
        END {
            printf "%d worlds, %d steps, about %d worlds per second\n", worlds, steps, rate
            for (name in of) printf "  %-20s %10d worlds\n", name, of[name]
            print "fault                      times     worlds"
            for (i = 1; i <= n; i++) printf "  %-20s %10d %10d\n", order[i], times[order[i]], in_worlds[order[i]]
            if (pairs != "") print pairs " (of one part)"
            print "change by a reload     applied    refused"
            for (i = 1; i <= m; i++) printf "  %-20s %10d %10d\n", changes[i], given[changes[i]], refused[changes[i]]
        }'
}

run_seeds() {
    build
    play "$SIM" "$FROM" "${SEEDS:-20000}" || {
        say "replay with: scripts/sim.sh --replay SEED --verbose ${EXTRA[*]}" >&2
        exit 1
    }
    summarize
}

run_replay() {
    build
    "$SIM" --replay "$SEED" "${EXTRA[@]}"
}

run_fail_nth() {
    build
    local seed
    for ((seed = FROM; seed < FROM + ${SEEDS:-20}; seed++)); do
        "$SIM" --fail-nth "$seed" --every "$EVERY" "${EXTRA[@]}"
    done
}

# ---- a smaller world ---------------------------------------------------------------------------------------------

# What fails, or nothing: the invariant of the first failure.
invariant_of() {
    { "$SIM" --replay "$SEED" "${EXTRA[@]}" "$@" 2>&1 || true; } | sed -n 's/^FAIL .*invariant=\([^ ]*\).*/\1/p' | head -1
}

run_shrink() {
    build
    local want fault clients without=()
    want=$(invariant_of)
    [ -n "$want" ] || fail "seed $SEED does not fail"
    while read -r fault; do
        [ "$(invariant_of "${without[@]}" --without "$fault")" = "$want" ] && without+=(--without "$fault")
    done < <("$SIM" --list-faults)
    for clients in 1 2 3 4 6 8 12 16 24; do
        if [ "$(invariant_of "${without[@]}" --clients "$clients")" = "$want" ]; then
            without+=(--clients "$clients")
            break
        fi
    done
    say "$SIM --replay $SEED ${EXTRA[*]} ${without[*]} --verbose"
    "$SIM" --replay "$SEED" "${EXTRA[@]}" "${without[@]}" || true
}

# ---- mutants, coverage, the test's form --------------------------------------------------------------------------

run_mutants() {
    build
    "$PYTHON" -B tests/sim/mutants.py --from "$FROM" --seeds "${SEEDS:-12000}" --jobs "$JOBS" "${MUTANTS[@]}"
}

run_coverage() {
    need_packages fuzz
    build
    local out=$BUILD/coverage
    local flags=(-std=c11 -g -O1 -w -I. -Iserver -isystem build/deps/native/include)
    mkdir -p "$out"
    rm -f "$out"/*.profraw
    local source object objects=() sources
    mapfile -t sources < <(find config server tests/sim -name '*.c' ! -name '*_win.c' ! -name '*iocp*' \
        ! -path 'server/host/*' ! -path server/main.c | sort)
    for source in "${sources[@]}"; do
        object=$out/${source//\//_}.o
        objects+=("$object")
        local covered=()
        [[ $source == server/relay/* || $source == server/port/acceptor.c || $source == server/daemon*.c || $source == server/changes.c ]] &&
            covered=(-fprofile-instr-generate -fcoverage-mapping)
        clang "${flags[@]}" "${covered[@]}" -c "$source" -o "$object"
    done
    # The simulator's memory and the archive's are the same names: the simulator's objects come first, the rest from an archive.
    rm -f "$out/rest.a"
    printf '%s\n' "${objects[@]}" | grep -v tests_sim_ | xargs ar rcs "$out/rest.a"
    # shellcheck disable=SC2046
    clang -fprofile-instr-generate $(printf '%s\n' "${objects[@]}" | grep tests_sim_) "$out/rest.a" -Lbuild/deps/native/lib \
        -linih -lcjson -lpicohttpparser -o "$out/sim"
    LLVM_PROFILE_FILE=$out/sim-%p.profraw play "$out/sim" "$FROM" "${SEEDS:-20000}"
    llvm-profdata merge -o "$out/sim.profdata" "$out"/*.profraw
    llvm-cov report "$out/sim" -instr-profile "$out/sim.profdata" --show-functions=0 --show-branch-summary |
        cut -c1-38,90- | sed 's/ *$//'
    llvm-cov show "$out/sim" -instr-profile "$out/sim.profdata" --show-branches=count >"$out/branches.txt"
    say "each branch with its counts: ${out#"$ROOT"/}/branches.txt"
}

# ok NUMBER NAME COMMAND ...: one line of TAP.
tap() {
    local number=$1 name=$2
    shift 2
    if "$@" >"$LOGS/$name.log" 2>&1; then
        say "ok $number - $name: $(tail -1 "$LOGS/$name.log" | tr '#' ' ')"
    else
        say "not ok $number - $name: $(grep -a -m1 -A1 -E '^FAIL|^MISSED' "$LOGS/$name.log" | tr '\n#' '  ')"
        BAD=1
    fi
}

worlds_of_test() {
    play "$SIM" 1 20000 && summarize && summarize | head -1
}

deep_of_test() {
    play "$SIM" 100000 5000 && summarize | head -1
}

fail_nth_of_test() {
    for ((seed = 1; seed <= 60; seed++)); do
        "$SIM" --fail-nth "$seed" --every 3 || return 1
    done
}

run_test() {
    build
    BAD=0
    say "1..4"
    tap 1 worlds worlds_of_test
    tap 2 fail-nth fail_nth_of_test
    tap 3 mutants "$PYTHON" -B tests/sim/mutants.py --jobs "$JOBS"
    build_deep
    tap 4 deep deep_of_test
    exit $BAD
}

"run_$MODE"
