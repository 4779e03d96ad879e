#!/bin/bash
# Plays vcpkg in manifest mode: puts what scripts/deps.sh msvc has built where `vcpkg install` would.
#
#   vcpkg.sh install --triplet=x64-windows-static --x-install-root=FOLDER [--x-feature=tests]
set -euo pipefail

BUILT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/deps/msvc
LIBRARIES="inih cjson picohttpparser"

refuse() {
    echo "error: $*" >&2
    exit 1
}

[ -z "${MSVC_VCPKG_FAILS:-}" ] || exit "$MSVC_VCPKG_FAILS"
[ "${1:-}" = install ] || refuse "only install is played here, not ${1:-}"
shift
[ -e vcpkg.json ] || refuse "no manifest was found: there is no vcpkg.json here"
triplet='' folder=vcpkg_installed
for option in "$@"; do
    case $option in
    --triplet=x64-windows-static) triplet=${option#*=} ;;
    --x-install-root=*) folder=${option#*=} ;;
    --x-feature=tests) LIBRARIES+=" cmocka" ;;
    *) refuse "unexpected argument: $option" ;;
    esac
done
[ -n "$triplet" ] || refuse "no triplet x64-windows-static"
echo "Computing installation plan..."
mkdir -p "$folder/$triplet/lib"
cp -r "$BUILT/include" "$folder/$triplet/"
for library in $LIBRARIES; do
    cp "$BUILT/lib/$library.lib" "$folder/$triplet/lib/"
done
