#!/bin/bash
# Fetches and builds the libraries of DESIGN section 7 as static archives.
#
#   scripts/deps.sh [native] [mingw] [msvc]      the first two when none is named
#
# msvc is what stands in for vcpkg on this machine: built by the stand-in compiler of tests/msvc, with the names of
# files that vcpkg gives.
#
# Result: build/deps/TARGET/{include,lib} and build/deps/licenses/NAME. What is already built is left alone,
# also without a network. The sources are the pristine upstream tarballs of Debian's source packages: apt
# checks their signatures, and private lists under build/ keep the machine's own apt set-up as it is.
set -euo pipefail
source "$(dirname "$0")/env.sh"
source "$ROOT/scripts/debian.sh"

DEPS=$BUILD/deps
SOURCES=$DEPS/src
LOG=$DEPS/deps.log
LISTS=$DEPS/apt
LIST_TYPES=deb-src
# The machine's suite first; a newer one has what that lacks or what the mirror no longer keeps of it; the
# older one has h2o.
SUITES="own trixie sid bookworm"

# ---- fetching ----------------------------------------------------------------------------------------------

LIBRARIES="inih cjson picohttpparser cmocka"

# The Debian source packages that hold a library, best first, each with the library's folder in its tarball.
# Not every mirror that knows libpicohttpparser also keeps its tarball; h2o is where that library comes from
# and carries it whole.
source_packages() {
    case $1 in
    inih) echo libinih:. ;;
    cjson) echo cjson:. ;;
    picohttpparser) echo libpicohttpparser:. h2o:deps/picohttpparser ;;
    cmocka) echo cmocka:. ;;
    esac
}

# ---- building ----------------------------------------------------------------------------------------------

compiler() {
    case $1 in
    native) echo gcc ;;
    mingw) echo x86_64-w64-mingw32-gcc ;;
    msvc) echo clang-cl-14 ;;
    esac
}

archiver() {
    case $1 in
    native) echo ar ;;
    mingw) echo x86_64-w64-mingw32-ar ;;
    esac
}

# compile TARGET NAME "FLAGS" SOURCE...: one archive lib/libNAME.a. Paths are mapped so that the result does
# not depend on where the repository lies.
compile() {
    local target=$1 name=$2 flags=$3 out=$DEPS/$1.new objects=() source object
    shift 3
    mkdir -p "$out/obj" "$out/lib" "$out/include"
    if [ "$target" = msvc ]; then
        compile_msvc "$name" "$flags" "$@"
        return
    fi
    for source in "$@"; do
        object=$out/obj/$name-$(basename "$source" .c).o
        # shellcheck disable=SC2086  # several flags are several words
        "$(compiler "$target")" -O2 -g -std=gnu11 -fno-omit-frame-pointer -fstack-protector-strong \
            -ffile-prefix-map="$ROOT"=. $flags -c "$source" -o "$object" >>"$LOG" 2>&1 ||
            fail "cannot compile $source for $target, see $LOG"
        objects+=("$object")
    done
    rm -f "$out/lib/lib$name.a"
    "$(archiver "$target")" rcsD "$out/lib/lib$name.a" "${objects[@]}"
}

compile_msvc() {
    local name=$1 flags=$2 out=$DEPS/msvc.new objects=() source object tool=$ROOT/tests/msvc/tool.sh
    shift 2
    for source in "$@"; do
        object=$out/obj/$name-$(basename "$source" .c).obj
        # shellcheck disable=SC2086  # several flags are several words
        "$tool" cl /nologo /c /w /O2 /GS /guard:cf /MT $flags "$source" "/Fo$object" >>"$LOG" 2>&1 ||
            fail "cannot compile $source for msvc, see $LOG"
        objects+=("$object")
    done
    "$tool" lib /nologo "/out:$out/lib/$name.lib" "${objects[@]}" >>"$LOG" 2>&1 || fail "no $name.lib, see $LOG"
}

# inih with its default macros, as vcpkg's port builds it.
build_inih() {
    local tree=$SOURCES/inih/tree
    compile "$1" inih "" "$tree/ini.c"
    cp "$tree/ini.h" "$DEPS/$1.new/include/"
}

# Without CJSON_HIDE_SYMBOLS each of its functions would be exported from our executable on Windows.
build_cjson() {
    local tree=$SOURCES/cjson/tree
    compile "$1" cjson "-DCJSON_HIDE_SYMBOLS" "$tree/cJSON.c"
    mkdir -p "$DEPS/$1.new/include/cjson"
    cp "$tree/cJSON.h" "$DEPS/$1.new/include/cjson/"
}

build_picohttpparser() {
    local tree=$SOURCES/picohttpparser/tree
    compile "$1" picohttpparser "" "$tree/picohttpparser.c"
    cp "$tree/picohttpparser.h" "$DEPS/$1.new/include/"
}

# cmocka asks its own configure step for these; both targets are known, so the answers are written down.
cmocka_flags() {
    local common="-DHAVE_INTTYPES_H -DHAVE_STRINGS_H -DHAVE_MALLOC_H -DHAVE_STRUCT_TIMESPEC"
    common+=" -DHAVE_GCC_THREAD_LOCAL_STORAGE"
    case $1 in
    native) echo "$common -DHAVE_CLOCK_REALTIME -DHAVE_SIGNAL_H -DHAVE_STRSIGNAL -DHAVE_SIGLONGJMP" ;;
    mingw) echo "$common" ;;
    msvc) echo "-DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SNPRINTF -DHAVE_VSNPRINTF -DCMOCKA_STATIC" ;;
    esac
}

build_cmocka() {
    local tree=$SOURCES/cmocka/tree
    compile "$1" cmocka "$(cmocka_flags "$1") -w -I$tree/include" "$tree/src/cmocka.c"
    cp "$tree"/include/cmocka*.h "$DEPS/$1.new/include/"
}

install_licenses() {
    local name file
    mkdir -p "$DEPS/licenses"
    for name in $LIBRARIES; do
        for file in LICENSE LICENSE.txt COPYING; do
            if [ -e "$SOURCES/$name/tree/$file" ]; then
                cp "$SOURCES/$name/tree/$file" "$DEPS/licenses/$name"
                break
            fi
        done
        # picohttpparser has no such file: its licence is the comment at the top of the source.
        [ -e "$DEPS/licenses/$name" ] || sed '/\*\//q' "$SOURCES/$name/tree/$name.c" >"$DEPS/licenses/$name"
    done
}

# ---- the whole ---------------------------------------------------------------------------------------------

# What a built target depends on: this script (flags and recipes) and the compiler.
stamp_of() {
    local files=("$ROOT/scripts/deps.sh" "$ROOT/scripts/debian.sh")
    [ "$1" != msvc ] || files+=("$ROOT/tests/msvc/tool.sh" "$ROOT"/tests/msvc/include/*)
    { cat "${files[@]}"; "$(compiler "$1")" --version; } | sha256sum | cut -d ' ' -f 1
}

target_is_built() {
    [ "$(cat "$DEPS/$1/.stamp" 2>/dev/null)" = "$(stamp_of "$1")" ]
}

# Built beside the old one and then moved into its place, so that a failed or interrupted build leaves nothing
# half done.
build_target() {
    local target=$1 name
    rm -rf "${DEPS:?}/$target.new"
    mkdir -p "$DEPS/$target.new"
    for name in $LIBRARIES; do
        "build_$name" "$target"
    done
    rm -rf "$DEPS/$target.new/obj" "${DEPS:?}/$target"
    stamp_of "$target" >"$DEPS/$target.new/.stamp"
    mv "$DEPS/$target.new" "$DEPS/$target"
}

print_versions() {
    local target=$1 name
    for name in $LIBRARIES; do
        say "$target: $name from $(cat "$SOURCES/$name/origin")"
    done
}

main() {
    local targets=("$@") target name wanted=()
    [ $# -gt 0 ] || targets=(native mingw)
    need_packages build
    [[ " ${targets[*]} " != *" msvc "* ]] || need_packages msvc
    # Debugging information holds the folder that the compiler runs in.
    cd "$ROOT"
    mkdir -p "$DEPS"
    exec 9>"$DEPS/.lock"
    flock 9
    for target in "${targets[@]}"; do
        [ -n "$(compiler "$target")" ] || fail "unknown target $target (native, mingw or msvc)"
        target_is_built "$target" || wanted+=("$target")
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    : >"$LOG"
    mkdir -p "$SOURCES"
    for name in $LIBRARIES; do
        fetch "$name"
    done
    install_licenses
    for target in "${wanted[@]}"; do
        build_target "$target"
        print_versions "$target"
    done
}

main "$@"
