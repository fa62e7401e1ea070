#!/usr/bin/env bash
# Builds the component twice, from copies of the committed sources in two folders and with two CARGO_HOMEs, and compares the
# binaries byte for byte. Takes two release builds, about ten minutes on two cores; so .ci/run does not run it, and a release
# does (docs/releasing.md).
#
#   .ci/reproducible.sh [folder for the binary]
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    # It may move while this runs.
    revision=$(git rev-parse HEAD)
    work=$(mktemp --directory --tmpdir valawai-reproducible-XXXXXX)
    trap 'rm -rf "$work"' EXIT
    build "$work/a" "$work/cargo"
    # Another depth and length, so that a path that is left changes the size as well.
    build "$work/another/folder/much/deeper" "$work/another/home/of/cargo"
    check_paths "$work/binary-1"
    if ! cmp "$work/binary-1" "$work/binary-2"; then
        trap - EXIT
        echo "Two builds of $revision differ; they are in $work." >&2
        exit 1
    fi
    echo "Two builds are equal: $(sha256sum <"$work/binary-1" | cut -d ' ' -f 1), $(stat --format %s "$work/binary-1") bytes"
    if [ $# -gt 0 ]; then install -D "$work/binary-1" "$1/c1_echo"; fi
}

builds=0
# build <folder of the sources> <CARGO_HOME>
build() {
    local began=$SECONDS
    builds=$((builds + 1))
    mkdir -p "$1" "$2/registry"
    git archive "$revision" | tar -x -C "$1"
    copy_registry "${CARGO_HOME:-$HOME/.cargo}" "$2"
    # cargo-auditable is found in the other one.
    (cd "$1" && env "CARGO_HOME=$2" "PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH" docker/main/build.sh --quiet)
    mv "$1"/target/*/release/c1_echo "$work/binary-$builds"
    rm -rf "$1" "$2"
    echo "Build $builds took $((SECONDS - began)) s"
}

# What was downloaded need not be downloaded again. The sources of the crates are unpacked anew.
copy_registry() {
    local part
    for part in config.toml registry/index registry/cache; do
        if [ -e "$1/$part" ]; then cp -R "$1/$part" "$2/$part"; fi
    done
}

# Fails if a path of this machine is in the binary.
check_paths() {
    local path found=0
    for path in "$work" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}" "$PWD/" "$HOME/"; do
        if grep --quiet --fixed-strings --text -e "$path" "$1"; then
            echo "The path $path is in the binary:" >&2
            strings -a "$1" | grep --fixed-strings -e "$path" | head -n 5 >&2
            found=1
        fi
    done
    return "$found"
}

main "$@"
