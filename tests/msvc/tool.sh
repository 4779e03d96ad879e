#!/bin/bash
# The Linux side of the stand-ins: tool.sh NAME ARGUMENT... plays Microsoft's NAME with the LLVM tool of that kind.
#
# Windows paths in the arguments become Linux ones. What NAME is given is logged to MSVC_LOG, if that is set.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WINE_HEADERS=/usr/include/wine/wine
name=$1
shift

# Z: is the Linux root, other drives are links in the prefix. Options such as /out:Z:\x hold a path too.
linux_path() {
    local path=${1//\\//}
    path=${path//Z:\//\/}
    path=${path//z:\//\/}
    path=${path//C:\//${WINEPREFIX:-}/dosdevices/c:/}
    printf '%s' "$path"
}

# A source whose path begins with the letters of an option (/woods begins with /wo) is none to cl, whose paths begin with
# a drive. /Tc says that it is one.
as_source() {
    if [[ $name == cl && $1 == /*.c && -f $1 ]]; then
        printf '/Tc%s' "$1"
    else
        printf '%s' "$1"
    fi
}

arguments=()
for argument in "$@"; do
    arguments+=("$(as_source "$(linux_path "$argument")")")
done
[ -z "${MSVC_LOG:-}" ] || printf '%s\n' "$name ${arguments[*]}" >>"$MSVC_LOG"

# clang warns of what cl cannot see; and of nothing that Makefile.msvc turns off by number.
compile() {
    exec clang-cl-14 --target=x86_64-pc-windows-msvc -fmsc-version=1937 -Qunused-arguments \
        -fno-color-diagnostics /X -imsvc "$HERE/include" -imsvc "$WINE_HEADERS/msvcrt" -imsvc "$WINE_HEADERS/windows" \
        -Wpedantic -Wvla -Wshadow -Wconversion -Wno-sign-conversion -Wunreachable-code -Wstrict-prototypes -Wundef \
        -Wno-language-extension-token -Wno-extra-semi "$@"
}

case $name in
cl) compile "${arguments[@]}" ;;
link) exec lld-link-14 "/libpath:$MSVC_TOOLS/lib" "${arguments[@]}" ;;
lib) exec lld-link-14 /lib "${arguments[@]}" ;;
rc) exec llvm-rc-14 /i "$HERE/include" /i "$WINE_HEADERS/windows" /i "$WINE_HEADERS/msvcrt" "${arguments[@]}" ;;
# Messages are UTF-16 in what mc writes; windmc must be asked for it.
mc) exec x86_64-w64-mingw32-windmc -U "${arguments[@]}" ;;
nmake | vcpkg | python) exec "$HERE/$name.sh" "${arguments[@]}" ;;
*)
    echo "tool.sh: no stand-in for $name" >&2
    exit 99
    ;;
esac
