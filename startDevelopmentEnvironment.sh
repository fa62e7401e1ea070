#!/usr/bin/env bash
# Starts the development environment and opens a shell in it; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=docker/engine.sh
. docker/engine.sh
# shellcheck source=docker/dev/compose.sh
. docker/dev/compose.sh

usage() {
    cat <<EOF
Starts RabbitMQ, MongoDB, mongo-express and the Master Of VALAWAI (MOV), and opens a shell with the Rust toolchain and
this folder as /app. Stops everything when the shell exits.

usage: ./startDevelopmentEnvironment.sh [option]… [command…]

      --no-cache   rebuild the image of the shell
      --no-pull    use the local base image, if there is one
  -h, --help       print this help

A command is run instead of the shell: ./startDevelopmentEnvironment.sh ./runTests.sh

RabbitMQ       http://localhost:8081   mov : password
mongo-express  http://localhost:8082   admin : password
MOV            http://localhost:8083
EOF
}

main() {
    read_options "$@"
    check_engine
    check_compose
    build_shell
    trap ./stopDevelopmentEnvironment.sh EXIT
    development_compose up --detach --wait
    open_shell
}

read_options() {
    build_options=(--pull)
    while [ $# -gt 0 ]; do
        case $1 in
            --no-cache) build_options+=(--no-cache) ;;
            --no-pull) unset 'build_options[0]' ;;
            -h | --help) usage && exit 0 ;;
            -*) fail "Unknown option $1. See ./startDevelopmentEnvironment.sh --help" ;;
            *) break ;;
        esac
        shift
    done
    command=("$@")
}

build_shell() {
    if [ -n "${RUST_IMAGE:-}" ]; then build_options+=(--build-arg "RUST_IMAGE=$RUST_IMAGE"); fi
    DOCKER_BUILDKIT=1 docker build ${build_options[@]+"${build_options[@]}"} --file docker/dev/Dockerfile \
        --tag valawai/c1_echo_example_with_rust_and_amiquip:dev .
}

open_shell() {
    local terminal=()
    if [ ! -t 0 ] || [ ! -t 1 ]; then terminal=(--no-TTY); fi
    DEVELOPER=$(id -u):$(id -g) development_compose run --rm ${terminal[@]+"${terminal[@]}"} shell ${command[@]+"${command[@]}"}
}

main "$@"
