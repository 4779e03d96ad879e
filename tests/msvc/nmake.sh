#!/bin/bash
# Plays nmake with GNU make, in the current folder: nmake.sh /nologo /f Makefile.msvc [TARGET | NAME=value ...]
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -z "${MSVC_NMAKE_FAILS:-}" ] || exit "$MSVC_NMAKE_FAILS"
arguments=()
for argument in "$@"; do
    case $argument in
    /nologo) ;;
    /f | /F) arguments+=(-f) ;;
    /*)
        echo "NMAKE : fatal error U1065: invalid option '$argument'" >&2
        exit 2
        ;;
    *) arguments+=("$argument") ;;
    esac
done
exec make --no-print-directory -j"$(nproc)" SHELL="$HERE/shell.sh" "${arguments[@]}"
