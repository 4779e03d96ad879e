#!/bin/bash
# Makes what is given to others: an installer and a zip, in build/package.
#
#   scripts/package.sh [--exe FILE] [--output DIR]
#
#   fairlead-VERSION-x64.msi   installs the program and registers the service (docs/installing.md)
#   fairlead-VERSION-x64.zip   the same files, to be unpacked anywhere
#   SHA256SUMS                 the sums of both, which are printed too
#
# The version is that of the executable. Every time in the packages is SOURCE_DATE_EPOCH, by default the time of
# the commit, so that the same commit makes the same packages.
set -euo pipefail
source "$(dirname "$0")/env.sh"

EXE=
OUTPUT=$BUILD/package

# The library that the installer runs the verbs with (package/verb_action.c). The linker would choose its base
# by the name of the output.
build_library() {
    x86_64-w64-mingw32-gcc -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
        -D_WIN32_WINNT=0x0A00 -fstack-protector-strong -shared -static -s \
        -Wl,--no-insert-timestamp,--dynamicbase,--high-entropy-va,--nxcompat,--image-base=0x180000000 \
        "$ROOT/package/verb_action.c" -lmsi -ladvapi32 -o "$1"
}

# Of the sources as they are committed; without a repository there is no time to be known.
source_time() {
    git -c safe.directory='*' -C "$ROOT" log -1 --format=%ct 2>/dev/null ||
        fail "this is no git repository: set SOURCE_DATE_EPOCH to the time of the sources"
}

main() {
    while [ $# -gt 0 ]; do
        case $1 in
        --exe) EXE=${2:?--exe needs a file} ;;
        --output) OUTPUT=${2:?--output needs a folder} ;;
        *) fail "no such option: $1 (--exe FILE, --output DIR)" ;;
        esac
        shift 2
    done
    need_packages build package
    if [ -z "$EXE" ]; then
        "$ROOT/scripts/build.sh" all
        EXE=$BUILD/mingw/fairlead.exe
    fi
    mkdir -p "$OUTPUT"
    local library=$OUTPUT/verb_action.dll
    build_library "$library"
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(source_time)}
    "$PYTHON" -B "$ROOT/scripts/package.py" --exe "$EXE" --library "$library" \
        --licenses "$BUILD/deps/licenses" --output "$OUTPUT" | tee "$OUTPUT/SHA256SUMS"
    rm "$library"
}

main "$@"
