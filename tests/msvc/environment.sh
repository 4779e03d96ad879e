# shellcheck shell=bash
# Sourced after scripts/env.sh: where the stand-ins are, for Linux and, with backslashes, for Wine's cmd.exe.

windows_path() { printf 'Z:%s' "${1//\//\\}"; }

export MSVC_TOOLS=$BUILD/msvc-tools
export MSVC_TOOL=$ROOT/tests/msvc/tool.sh
WINEPATH=$(windows_path "$MSVC_TOOLS/bin")
export WINEPATH
