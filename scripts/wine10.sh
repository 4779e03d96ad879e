#!/bin/bash
# Runs one Windows program under Wine 10 of Debian 13, which shows resets as Windows does; Wine 8 does not.
#
#   scripts/wine10.sh PROGRAM.exe [ARGUMENT ...]    like scripts/wine.sh
#   scripts/wine10.sh --prepare                     only makes what is missing: build/trixie and build/wine10
#
# The first time it installs Debian 13 with wine64 into build/trixie (1.1 GB), from the archive that apt is
# set up for. Needs root. Where that cannot be done it ends with 77, and its last line is the reason.
set -euo pipefail
source "$(dirname "$0")/env.sh"

TRIXIE=$BUILD/trixie
# Written last: a folder without it was interrupted.
COMPLETE=$TRIXIE/.complete
LOG=$BUILD/trixie.log
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
LIMIT_INSTALL=900

cannot() {
    say "$*" >&2
    exit 77
}

# The archive that this machine's apt uses; while its lists are empty it does not know whose that is.
debian_archive() {
    apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Label: Debian' | sed -n 1p
}

own_wine_major() {
    "$(wine_find)" --version 2>/dev/null | sed -n 's/^wine-\([0-9]*\).*/\1/p'
}

check_possible() {
    local own
    own=$(own_wine_major) || true
    [ "${own:-0}" -lt 10 ] || cannot "this machine's own Wine is $own: what runs under it needs no second one"
    [ "$(id -u)" = 0 ] || cannot "only root can install a second Debian"
    unshare --mount mount --bind /usr /usr 2>/dev/null || cannot "this machine does not let root mount"
    command -v apt-get >/dev/null || cannot "no apt: this is not Debian"
    (need_packages wine10) || cannot "debootstrap could not be installed"
}

use_proxy_of_apt() {
    local proxy
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "${proxy:-}" ] || export http_proxy=$proxy
}

# With its own processes and mounts, which all end with it: an interrupted one leaves only files.
trixie_install() {
    local archive
    check_possible
    archive=$(debian_archive)
    if [ -z "$archive" ]; then
        apt_update >"$LOG" 2>&1 || true
        archive=$(debian_archive)
    fi
    [ -n "$archive" ] || cannot "apt is set up for no archive of Debian"
    use_proxy_of_apt
    say "installing Debian 13 with Wine 10 into ${TRIXIE#"$ROOT"/}, some minutes" >&2
    # To be interrupted is no reason to skip: whoever waits for this script sees what ended it.
    trap 'trap - INT; kill -INT $$' INT
    rm -rf --one-file-system "$TRIXIE"
    timeout --foreground -s KILL "$LIMIT_INSTALL" unshare --mount --pid --fork --kill-child --mount-proc \
        debootstrap --variant=minbase --include=wine64 --keyring="$KEYRING" trixie "$TRIXIE" "$archive" \
        >"$LOG" 2>&1 </dev/null || cannot "debootstrap failed: $(tail -n 1 "$LOG")"
    rm -f "$TRIXIE"/var/cache/apt/archives/*.deb
    touch "$COMPLETE"
    trap - INT
}

# Named and placed as Wine's own are, because what runs wine64 looks for its server beside it.
write_programs() {
    local name folder=$BUILD/wine10-bin
    mkdir -p "$folder"
    for name in wine64 wineserver64; do
        printf '#!/bin/sh\nexec "%s/scripts/trixie.sh" /usr/lib/wine/%s "$@"\n' "$ROOT" "$name" \
            >"$folder/$name.new"
        chmod +x "$folder/$name.new"
        mv "$folder/$name.new" "$folder/$name"
    done
}

prepare() {
    mkdir -p "$BUILD"
    if [ ! -e "$COMPLETE" ]; then
        exec 8>"$TRIXIE.lock"
        flock 8
        [ -e "$COMPLETE" ] || trixie_install
        exec 8>&-
    fi
    write_programs
    export FAIRLEAD_WINE=$BUILD/wine10-bin/wine64 WINEPREFIX=$BUILD/wine10
    wine_prepare
}

main() {
    [ $# -gt 0 ] || fail "no program named"
    prepare
    [ "$1" = --prepare ] || exec "$WINE" "$@"
}

main "$@"
