#!/usr/bin/env bash
# Installs what tests/docker/run.sh needs, if it is missing and this machine has apt: the Docker engine, Compose, buildx and
# debootstrap. Starts nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

# The folder where the docker command finds the plugins of all users.
readonly PLUGINS=/usr/local/lib/docker/cli-plugins

main() {
    if ! command -v apt-get >/dev/null; then echo "There is no apt-get: Docker is not installed." >&2 && return; fi
    local missing=()
    # An engine on another machine is sufficient.
    docker version >/dev/null 2>&1 || command -v dockerd >/dev/null || missing+=(docker.io)
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    if [ ${#missing[@]} -gt 0 ]; then
        echo "Installing ${missing[*]}." >&2
        install_packages "${missing[@]}"
    fi
    has_plugins || install_plugins
}

has_plugins() {
    docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1
}

install_plugins() {
    echo "Installing docker-compose and docker-buildx." >&2
    local version
    version=$(apt-cache policy docker-compose 2>/dev/null | awk '/Candidate:/ { print $2 }')
    if dpkg --compare-versions "${version:-0}" ge 2 && install_packages docker-compose docker-buildx && has_plugins; then return; fi
    install_plugins_of_trixie
}

# Debian 12 has only Compose 1. The plugins of Debian 13 are static programs, so they are extracted from its packages. apt
# verifies the signatures of the packages, in a state folder of its own.
install_plugins_of_trixie() {
    local folder mirror package
    mirror=$(debian_mirror)
    folder=$(mktemp -d)
    chmod 755 "$folder"
    mkdir -p "$folder"/{parts,lists/partial,cache/archives/partial}
    touch "$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$folder/sources.list"
    local options=(
        -o "Dir::State=$folder" -o "Dir::State::Lists=$folder/lists" -o "Dir::State::status=$folder/status"
        -o "Dir::Cache=$folder/cache" -o "Dir::Etc::SourceList=$folder/sources.list" -o "Dir::Etc::SourceParts=$folder/parts"
        -o "Dir::Etc::PreferencesParts=$folder/parts" -o APT::Sandbox::User=root
    )
    apt-get -q "${options[@]}" update >&2
    (cd "$folder" && apt-get -q "${options[@]}" download docker-compose docker-buildx >&2)
    for package in "$folder"/*.deb; do dpkg -x "$package" "$folder/unpacked"; done
    as_root install -D -m 755 -t "$PLUGINS" "$folder"/unpacked/usr/libexec/docker/cli-plugins/docker-*
    rm -rf "$folder"
}

main
