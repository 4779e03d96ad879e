# shellcheck shell=bash
# Sourced by the other scripts: the repository's root, the packages of each purpose, and Wine's environment.
#
#   need_packages build run test lint     installs what is missing, or says how to and ends the script
#   wine_prepare                          exports Wine's environment and creates the prefix once

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build

# The interpreter that Debian's python3-* packages install into; the first in PATH may be another one.
# shellcheck disable=SC2034  # used by the scripts that source this file
PYTHON=/usr/bin/python3

export LANG=C.UTF-8
unset LC_ALL

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

packages_for() {
    case $1 in
    build) echo make gcc libc6-dev gcc-mingw-w64-x86-64 binutils xz-utils bzip2 ;;
    run) echo wine64 ;;
    wine10) echo debootstrap debian-archive-keyring mount ;;
    test) echo python3 python3-pytest python3-jsonschema socat curl openssl procps \
        redis-server redis-tools postgresql ;;
    peers) echo g++-mingw-w64-x86-64-posix ;;
    fuzz) echo clang libclang-rt-dev ;;
    msvc) echo make clang-14 clang-tools-14 lld-14 llvm-14 libwine-dev binutils-mingw-w64-x86-64 ;;
    package) echo wixl msitools ;;
    instructions) echo python3 valgrind ;;
    lint) echo python3 git shellcheck clang-format-14 clang-tidy-14 ;;
    *) fail "no such group of packages: $1" ;;
    esac
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

packages_missing() {
    local group package
    for group in "$@"; do
        for package in $(packages_for "$group"); do
            package_installed "$package" || echo "$package"
        done
    done | sort -u
}

# A newer Debian has other versions of these; what wants them, rules of the lint and the kind msvc, is skipped then.
OPTIONAL_PACKAGES=" clang-format-14 clang-tidy-14 clang-14 clang-tools-14 lld-14 llvm-14 "

packages_known() {
    local package policy
    for package in "$@"; do
        policy=$(apt-cache policy "$package")
        if [[ $policy == *"Candidate: "[!\(]* ]]; then
            echo "$package"
        elif [[ $OPTIONAL_PACKAGES != *" $package "* ]]; then
            say "apt knows no package $package" >&2
            return 1
        fi
    done
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
        install -y --no-install-recommends "$@"
}

apt_update() {
    apt-get -o Acquire::Retries=3 update
}

need_packages() {
    command -v dpkg-query >/dev/null || return 0
    local missing known log=$BUILD/install.log
    missing=$(packages_missing "$@")
    # What this Debian does not have is asked for once, not on every run.
    if [ -z "$missing" ] || [ "$missing" = "$(cat "$BUILD/.not-in-debian" 2>/dev/null)" ]; then
        return 0
    fi
    mapfile -t missing <<<"$missing"
    [ "$(id -u)" = 0 ] || fail "as root run: apt-get install --no-install-recommends ${missing[*]}"
    mkdir -p "$BUILD"
    # The lists of a new machine are empty or old, and either looks like an unknown package.
    say "installing: ${missing[*]}"
    apt_update >"$log" 2>&1 || say "apt-get update failed, see $log; going on with the lists there are"
    known=$(packages_known "${missing[@]}") || fail "cannot install what is missing, see $log"
    if [ -n "$known" ]; then
        mapfile -t known <<<"$known"
        apt_install "${known[@]}" >>"$log" 2>&1 || { tail "$log" >&2; fail "could not install: ${known[*]}"; }
    fi
    packages_missing "$@" >"$BUILD/.not-in-debian"
}

# Debian's "wine" wrapper complains about the 32-bit half that nothing here needs: call the program itself.
wine_find() {
    local candidate
    for candidate in /usr/lib/wine/wine64 /usr/lib/x86_64-linux-gnu/wine/wine64 /opt/wine-stable/bin/wine64; do
        if [ -x "$candidate" ]; then
            echo "$candidate"
            return 0
        fi
    done
    command -v wine64 || command -v wine
}

wine_environment() {
    WINE=${FAIRLEAD_WINE:-$(wine_find)} || fail "no wine64 found"
    export WINE
    export WINEPREFIX=${WINEPREFIX:-$BUILD/wine}
    export WINEDEBUG=${WINEDEBUG:--all}
    # Without its debugger a crash has an exit code of its own (5); with it, it may be 0. The others ask
    # for downloads.
    export WINEDLLOVERRIDES="winedbg.exe=d;winemenubuilder.exe=d;mscoree=;mshtml="
    unset DISPLAY
}

# Programs that start at the same time in a missing prefix would all create it: the first one does.
wine_prepare() {
    wine_environment
    [ -e "$WINEPREFIX/.ready" ] && return 0
    mkdir -p "$WINEPREFIX"
    (
        flock 9
        [ -e "$WINEPREFIX/.ready" ] && exit 0
        timeout 180 "$WINE" wineboot -i >"$BUILD/wineboot.log" 2>&1 9>&- || exit 1
        touch "$WINEPREFIX/.ready"
    ) 9>"$WINEPREFIX.lock" || fail "wineboot failed, see $BUILD/wineboot.log"
}
