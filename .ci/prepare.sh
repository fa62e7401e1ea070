# Sourced by the scripts that need programs which a machine may not have. Installs what is missing.
# shellcheck shell=bash

# Runs a command as root. Debian packages cannot be installed otherwise.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs Debian packages without starting the services that they contain.
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

# Prints the package mirror of this machine.
debian_mirror() {
    local mirror
    mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        awk '/^URIs:/ { print $2; exit } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }')
    [ -n "$mirror" ] || { echo "This machine has no Debian package sources." >&2; return 1; }
    echo "$mirror"
}

# Prints the version in rust-toolchain.toml.
pinned_toolchain() {
    sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml
}

# Asks a question on a terminal; the default answer is yes. Without a terminal, the answer is yes.
confirm() {
    [ -t 0 ] && [ -t 2 ] || return 0
    local answer
    read -r -p "$1 [Y/n] " answer || return 1
    case $answer in '' | [Yy] | [Yy][Ee][Ss]) ;; *) return 1 ;; esac
}

skipped() {
    printf '\n!! SKIPPED: %s\n' "$*" >&2
}

# prepare <script> <arguments>…: installs what the script needs, or runs it in a container where that is impossible.
prepare() {
    local packages=() toolchain=''
    [ -n "${VALAWAI_TEST_RABBITMQ:-}" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || packages+=(rabbitmq-server)
    # The demo needs no key-value store.
    [ "$1" != ./runTests.sh ] || command -v etcd >/dev/null || packages+=(etcd-server)
    [ "$1" != ./runTests.sh ] || command -v promtool >/dev/null || packages+=(prometheus)
    command -v cc >/dev/null || packages+=(gcc libc6-dev)
    # A test creates the repository of a new component.
    command -v git >/dev/null || packages+=(git)
    command -v cargo >/dev/null || packages+=(rustup)
    cargo --version >/dev/null 2>&1 || toolchain=$(pinned_toolchain)
    if [ ${#packages[@]} -gt 0 ] && ! command -v apt-get >/dev/null; then
        run_in_container "${packages[*]}" "$@"
    fi
    if [ ${#packages[@]} -gt 0 ] || [ -n "$toolchain" ]; then
        install_missing "$toolchain" ${packages[@]+"${packages[@]}"}
    fi
}

# run_in_container <missing packages> <script> <arguments>…
run_in_container() {
    local missing=$1 image
    shift
    command -v docker >/dev/null || fail_to_prepare "Missing: $missing. Install them, or install Docker."
    image=rust:$(pinned_toolchain)-bookworm
    echo "This machine has no apt-get, and $missing is missing. $1 can run in a container of the image $image." >&2
    echo "The image is pulled if it is not here; the packages are installed in the container only." >&2
    confirm "Run it in a container?" || exit 1
    exec docker run --rm --init -v "$PWD:/component" -w /component -e CARGO_TARGET_DIR=/tmp/target -e CI "$image" "$@"
}

# install_missing <toolchain or nothing> <package>…
install_missing() {
    local toolchain=$1
    shift
    echo "This will be installed:" >&2
    [ $# = 0 ] || echo "  Debian packages: $*" >&2
    [ -z "$toolchain" ] || echo "  Rust $toolchain, with rustup" >&2
    confirm "Install?" || exit 1
    [ $# = 0 ] || install_packages "$@" || fail_to_prepare "Cannot install $*. To install Rust, see https://rustup.rs"
    [ -z "$toolchain" ] || install_toolchain "$toolchain"
}

install_toolchain() {
    if rustup toolchain install "$1" --profile minimal --component rustfmt --component clippy >&2; then return; fi
    if RUSTUP_TOOLCHAIN=stable cargo --version >/dev/null 2>&1; then
        export RUSTUP_TOOLCHAIN=stable
        echo "!! Cannot install Rust $1; using $(rustc --version) instead." >&2
        return
    fi
    fail_to_prepare "Cannot install Rust $1. See https://rustup.rs"
}

fail_to_prepare() {
    echo "$*" >&2
    exit 1
}
