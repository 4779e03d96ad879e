# shellcheck shell=bash
# Sourced by the scripts that take something out of Debian's packages without installing it. apt checks the signatures;
# private lists under build/ keep the machine's own apt set-up as it is.
#
#   fetch NAME              the pristine upstream tarball of a source package, unpacked into SOURCES/NAME/tree
#   fetch_binaries NAME     the files of some binary packages, none of their scripts run, unpacked into the same place
#
# SOURCES/NAME/origin says where that is from; what is there already is left alone. Who sources this file has sourced
# env.sh, defines
#
#   source_packages NAME          package:folder in its tarball, best first
#   binary_packages NAME SUITE    packages, the one whose version counts first; none if the suite lacks them
#
# and sets
#
#   SOURCES, LISTS, LOG     folders for sources and for lists, and a log
#   LIST_TYPES              deb, deb-src or both
#   SUITES                  the suites to ask, in this order; own is the machine's

# The machine's own mirror and suite: the first plain one ("bookworm", not "bookworm-updates") with "main".
machine_mirror() {
    # shellcheck disable=SC2016  # these are apt's own variables
    apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
        awk '$1 == "Packages" && $4 == "main" && $3 !~ /-|\// { print $2, $3; exit }'
}

suites() {
    # shellcheck disable=SC2086  # a list of words
    printf '%s\n' $SUITES | sed "s/^own\$/$1/" | awk '!seen[$0]++'
}

private_apt() {
    local dir=$LISTS/$1
    shift
    "$@" -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$dir/state" -o Dir::State::status=/dev/null -o Dir::Cache="$dir/cache" \
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Retries=3 -o Acquire::Languages=none \
        -o APT::Update::Post-Invoke-Success::= -o APT::Get::List-Cleanup=false
}

# Each suite has lists of its own, so one that cannot be had does not spoil the others.
update_suite() {
    local mirror=$1 suite=$2 dir=$LISTS/$2 type
    [ -e "$dir/.updated" ] && return 0
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    for type in $LIST_TYPES; do
        echo "$type $mirror $suite main"
    done >"$dir/sources.list"
    private_apt "$suite" apt-get -q update >>"$LOG" 2>&1 || return 1
    touch "$dir/.updated"
}

fetch_from_suite() {
    local name=$1 package=${2%%:*} folder=${2#*:} mirror=$3 suite=$4 part=$SOURCES/$1.part
    update_suite "$mirror" "$suite" || return 1
    rm -rf "$part"
    mkdir -p "$part/tree"
    (cd "$part" &&
        private_apt "$suite" apt-get -q source --download-only --tar-only "$package" >>"$LOG" 2>&1) || return 1
    unpack "$part" "$folder" || return 1
    echo "$package $(tarball_version "$part") ($suite)" >"$part/origin"
    rm -rf "${SOURCES:?}/$name"
    mv "$part" "$SOURCES/$name"
}

binaries_from_suite() {
    local name=$1 mirror=$2 suite=$3 part=$SOURCES/$1.part packages package
    update_suite "$mirror" "$suite" || return 1
    packages=$(binary_packages "$name" "$suite")
    [ -n "$packages" ] || return 1
    rm -rf "$part"
    mkdir -p "$part/tree"
    # shellcheck disable=SC2086  # several packages are several words
    (cd "$part" && private_apt "$suite" apt-get -q download $packages >>"$LOG" 2>&1) || return 1
    for package in $packages; do
        dpkg-deb -x "$part/$package"_*.deb "$part/tree" >>"$LOG" 2>&1 || return 1
    done
    package=${packages%%[[:space:]]*}
    echo "$package $(dpkg-deb -f "$part/$package"_*.deb Version) ($suite)" >"$part/origin"
    rm -rf "${SOURCES:?}/$name" "$part"/*.deb
    mv "$part" "$SOURCES/$name"
}

tarball_in() {
    find "$1" -maxdepth 1 -name '*.orig.tar.*' ! -name '*.asc'
}

tarball_version() {
    basename "$(tarball_in "$1")" | sed -E 's/^[^_]*_(.*)\.orig\.tar\..*$/\1/'
}

# The folder inside a tarball has a name with a version in it; "tree" is the same for every version.
unpack() {
    local part=$1 folder=$2
    tar -xf "$(tarball_in "$part")" -C "$part/tree" --strip-components=1 >>"$LOG" 2>&1 || return 1
    [ "$folder" = . ] && return 0
    mv "$part/tree" "$part/whole" && mv "$part/whole/$folder" "$part/tree" && rm -rf "$part/whole"
}

source_once() {
    local name=$1 mirror=$2 own=$3 package suite
    for package in $(source_packages "$name"); do
        for suite in $(suites "$own"); do
            fetch_from_suite "$name" "$package" "$mirror" "$suite" && return 0
        done
    done
    return 1
}

binaries_once() {
    local name=$1 mirror=$2 own=$3 suite
    for suite in $(suites "$own"); do
        binaries_from_suite "$name" "$mirror" "$suite" && return 0
    done
    return 1
}

# fetch_by WAY NAME: a mirror may be out of order for a moment, hence the attempts with fresh lists.
fetch_by() {
    local way=$1 name=$2 mirror own attempt
    [ -e "$SOURCES/$name/origin" ] && return 0
    read -r mirror own < <(machine_mirror) || fail "no Debian mirror is configured on this machine"
    for attempt in 1 2 3; do
        "$way" "$name" "$mirror" "$own" && return 0
        say "packages of $name: attempt $attempt failed"
        rm -f "$LISTS"/*/.updated
    done
    tail -n 20 "$LOG" >&2
    fail "cannot fetch the packages of $name, see $LOG"
}

fetch() {
    fetch_by source_once "$1"
}

fetch_binaries() {
    fetch_by binaries_once "$1"
}
