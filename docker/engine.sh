# Sourced by the scripts that need a Docker engine.
# shellcheck shell=bash

check_engine() {
    local answer
    command -v docker >/dev/null || fail "There is no docker command. To install Docker, see https://docs.docker.com/get-docker/"
    answer=$(docker version --format '{{.Server.Version}}' 2>&1) || fail "The Docker engine does not answer. ${answer//$'\n'/ }"
}

check_compose() {
    local answer
    answer=$(docker compose version 2>&1) || fail "The docker command has no Compose plugin. ${answer//$'\n'/ }"
}

# Sets `files` to the options that select the Compose files for this engine.
choose_compose_files() {
    files=(--file docker-compose.yml)
    if [ "$(docker version --format '{{.Server.Version}}' | cut -d . -f 1)" -lt 25 ]; then
        files+=(--file docker-compose.old-engine.yml)
    fi
}

fail() {
    echo "$*" >&2
    exit 1
}
