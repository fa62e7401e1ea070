# Sourced by the scripts that need more than a machine may have: makes sure that it is there.
# shellcheck shell=bash

# Debian's packages are installed as root, or by way of sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs Debian packages without starting the services that come with them.
install_packages() {
    local policy=/usr/sbin/policy-rc.d made_policy=no status=0
    if [ ! -e "$policy" ]; then
        made_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } >&2 || status=$?
    if [ "$made_policy" = yes ]; then as_root rm -f "$policy"; fi
    return "$status"
}

# Where this machine has its Debian packages from.
debian_mirror() {
    local mirror
    mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        awk '/^URIs:/ { print $2; exit } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }')
    [ -n "$mirror" ] || { echo "This machine has no apt sources of Debian." >&2; return 1; }
    echo "$mirror"
}

has_rabbitmq() {
    [ -n "${VALAWAI_TEST_RABBITMQ:-}" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]
}

has_rust() {
    command -v cargo >/dev/null && command -v cc >/dev/null
}

# On a machine that is not Debian, everything runs in a container that is.
run_in_docker() {
    echo "This machine has no apt-get: running $1 in a container." >&2
    exec docker run --rm --init -v "$PWD:/component" -w /component -e CARGO_TARGET_DIR=/tmp/target -e CI rust:1-bookworm "$@"
}

prepare() {
    local missing=()
    has_rabbitmq || missing+=(rabbitmq-server)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v cargo >/dev/null || missing+=(rustup)
    if [ ${#missing[@]} -gt 0 ]; then
        if ! command -v apt-get >/dev/null; then
            if command -v docker >/dev/null; then run_in_docker "$@"; fi
            echo "Needed and not here: ${missing[*]}. Install them, or Docker, and try again." >&2
            exit 1
        fi
        echo "Installing ${missing[*]}." >&2
        install_packages "${missing[@]}" || { echo "Could not install ${missing[*]}; rustup.rs tells how to get Rust." >&2; exit 1; }
        if ! cargo --version >/dev/null 2>&1; then rustup default stable >&2; fi
    fi
}
