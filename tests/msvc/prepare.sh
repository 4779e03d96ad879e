#!/bin/bash
# Makes build/msvc-tools: the stand-ins as Windows programs (bin) and the libraries they link (lib). See README.md.
set -euo pipefail
source "$(dirname "$0")/../../scripts/env.sh"

HERE=$ROOT/tests/msvc
TOOLS=$BUILD/msvc-tools
WINE_LIBRARIES=/usr/lib/x86_64-linux-gnu/wine/x86_64-windows
STANDINS="line cl link lib rc mc nmake vcpkg"

stamp() {
    cat "$HERE/prepare.sh" "$HERE/standin.c" "$HERE/crt.c"
    dpkg-query -W libwine-dev clang-14 2>/dev/null
}

make_programs() {
    local name
    mkdir -p "$TOOLS.new/bin"
    x86_64-w64-mingw32-gcc -std=gnu11 -O1 -Wall -Wextra -Werror -static "$HERE/standin.c" \
        -o "$TOOLS.new/bin/line.exe" -lshell32
    for name in ${STANDINS#line }; do
        cp "$TOOLS.new/bin/line.exe" "$TOOLS.new/bin/$name.exe"
    done
}

make_libraries() {
    local library name lib=$TOOLS.new/lib
    mkdir -p "$lib"
    for library in "$WINE_LIBRARIES"/lib*.a; do
        name=$(basename "$library" .a)
        ln -s "$library" "$lib/${name#lib}.lib"
    done
    clang-14 --target=x86_64-pc-windows-msvc -O1 -Wall -Wextra -Werror -ffreestanding -c "$HERE/crt.c" -o "$TOOLS.new/crt.o"
    # Without the parts that would pull in a WinMain, or define a __main that nobody calls.
    cp "$WINE_LIBRARIES/libucrtbase.a" "$lib/libcmt.lib"
    llvm-ar-14 d "$lib/libcmt.lib" crt_winmain.o crt_wwinmain.o crt_gccmain.o
    llvm-ar-14 r "$lib/libcmt.lib" "$TOOLS.new/crt.o"
    llvm-ar-14 rc "$lib/oldnames.lib"
}

main() {
    need_packages build run msvc
    mkdir -p "$BUILD"
    exec 8>"$BUILD/.msvc-tools.lock"
    flock 8
    [ "$(cat "$TOOLS/.stamp" 2>/dev/null)" = "$(stamp | sha256sum)" ] && return 0
    rm -rf "$TOOLS.new"
    make_programs
    make_libraries
    stamp | sha256sum >"$TOOLS.new/.stamp"
    rm -rf "$TOOLS"
    mv "$TOOLS.new" "$TOOLS"
}

main "$@"
