#!/bin/sh
# Runs a Linux program of Debian 13 from build/trixie: scripts/trixie.sh PROGRAM [ARGUMENT ...]
#
# Only /usr is Debian 13's, and only for this program and its children; every other path, the network and the
# processes are the machine's. The mount lives in a namespace that ends with the last of these programs,
# however it ends: nothing can stay mounted, and build/ may be deleted at any time. This process becomes the
# program, so signals reach it and its exit code is the one seen here.
set -eu
trixie=$(cd "$(dirname "$0")/.." && pwd)/build/trixie
# shellcheck disable=SC2016  # the inner shell expands these
exec unshare --mount /bin/sh -c 'mount --bind "$0" /usr && exec "$@"' "$trixie/usr" "$@"
