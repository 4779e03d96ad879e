#!/bin/bash
# Plays python for scripts\test.cmd: every module is there, and pytest ends with MSVC_PYTEST_ENDS.
set -euo pipefail

[[ " $* " != *" -m pytest "* ]] || exit "${MSVC_PYTEST_ENDS:-0}"
