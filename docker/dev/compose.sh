# Sourced by startDevelopmentEnvironment.sh and stopDevelopmentEnvironment.sh.
# shellcheck shell=bash

development_compose() {
    local files
    choose_compose_files
    docker compose "${files[@]}" --file docker/dev/docker-compose.yml "$@"
}
