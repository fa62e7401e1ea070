#!/usr/bin/env bash
# Tests the image and docker-compose.yml end to end on a Docker engine; see --help for the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=docker/engine.sh
. docker/engine.sh
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
# shellcheck source=tests/docker/standins.sh disable=SC2034
. tests/docker/standins.sh
# shellcheck source=tests/docker/steps.sh
. tests/docker/steps.sh
# shellcheck source=tests/docker/replicas.sh
. tests/docker/replicas.sh
# shellcheck source=tests/docker/supply_chain.sh
. tests/docker/supply_chain.sh

usage() {
    cat <<EOF
Tests the image and docker-compose.yml end to end on a Docker engine. No image registry is needed: stand-ins for images
that cannot be pulled are built from Debian packages and the Rust toolchain of this machine. Everything is removed at the
end.

usage: tests/docker/run.sh [option]…

  --start-engine   start an engine for the test if none is running (as root; requires dockerd)
  --required       fail if there is no engine, instead of skipping the test
  --standins       use stand-ins for all images, even if the real ones are available
  --keep-images    keep the stand-ins for the next run
  -h, --help       print this help
EOF
}

main() {
    read_options "$@"
    work=$(mktemp -d) built_images=() engine='' project=c1-echo-test-$$
    trap clean_up EXIT
    find_engine
    find_images
    write_settings

    step "The build script creates a small image" build_image
    step "The image contains the component and nothing else" check_contents
    step "What the binary was built from is attested" attest_image
    step "All services become healthy, and the component is registered" start_services
    step "A message from another container is echoed" echo_message
    step "Three replicas share one registration and the messages, and one is killed" scale_up_and_down
    step "docker stop unregisters the component and ends it with 0 in time" stop_in_time
    step "The component is unhealthy while the broker is down" restart_broker
    step "The hardened image runs with any user and any kind of volume" run_without_compose
    step "The component runs alone, with the broker on the host" run_with_broker_on_host
    step "The password is read from a file" read_password_from_file
    step "The image of a new component is built, and registers" build_new_component
    step "docker compose down removes everything" remove_everything
    note "All steps passed in $SECONDS s"
}

read_options() {
    start_engine=no required=no standins_only=no keep_images=no
    while [ $# -gt 0 ]; do
        case $1 in
            --start-engine) start_engine=yes ;;
            --required) required=yes ;;
            --standins) standins_only=yes ;;
            --keep-images) keep_images=yes ;;
            -h | --help) usage && exit 0 ;;
            *) fail "Unknown option $1. See tests/docker/run.sh --help" ;;
        esac
        shift
    done
}

find_engine() {
    command -v docker >/dev/null || skip "There is no docker command."
    if ! docker version >/dev/null 2>&1; then
        [ "$start_engine" = yes ] || skip "No Docker engine is running (--start-engine starts one)."
        start_engine
    fi
    docker compose version >/dev/null 2>&1 || skip "The docker command has no Compose plugin."
    note "Engine $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
}

start_engine() {
    command -v dockerd >/dev/null || skip "dockerd is not installed."
    [ "$(id -u)" = 0 ] || skip "Only root can start an engine."
    export DOCKER_HOST=unix://$work/docker.sock
    dockerd --host "$DOCKER_HOST" --data-root "$work/engine" --exec-root "$work/exec" --pidfile "$work/pid" >"$work/dockerd.log" 2>&1 &
    engine=$!
    if ! eventually 60 docker version; then
        tail "$work/dockerd.log" >&2
        skip "The engine did not start."
    fi
}

# No variable has its default value, so that a wrong name is noticed. The engine chooses free ports.
write_settings() {
    cat >"$work/env" <<EOF
C1_ECHO_EXAMPLE_WITH_RUST_AND_AMIQUIP_TAG=$project
MQ_HOST=broker.test
MQ_PORT=0
MQ_UI_PORT=0
MQ_USER=tester
MQ_PASSWORD=t0p secret
MOV_UI_PORT=0
MOV_DB_NAME=testDB
MOV_DB_USER_NAME=tester
MOV_DB_USER_PASSWORD=another
MONGO_ROOT_USER=rooter
MONGO_ROOT_PASSWORD=third
MONGO_LOCAL_PORT=0
LOG_LEVEL=DEBUG
EOF
    choose_compose_files
}

# --- helpers --------------------------------------------------------------------------------------------------------

step() {
    note "$1"
    running=$1
    "$2"
    running=''
}

note() {
    printf '\n== %s\n' "$*"
}

# compose <arguments>: runs docker compose in the project of the test, with the profile `mov`.
compose() {
    docker compose --project-name "$project" "${files[@]}" --env-file "$work/env" --profile mov "$@"
}

container_of() {
    compose ps --all --quiet "$1"
}

health_of() {
    docker inspect --format '{{.State.Health.Status}}' "$1"
}

has_health() {
    [ "$(health_of "$1")" = "$2" ]
}

# wait_for <seconds> <condition, for people> <command>…
wait_for() {
    local seconds=$1 what=$2
    shift 2
    eventually "$seconds" "$@" || fail "Timeout after $seconds s: $what."
}

eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "Failed: $*"; }
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing; it is needed to build $2."
}

skip() {
    printf '%s\n' \
        '********************************************************************************' \
        '*** SKIPPED: the end-to-end test of the Docker image and docker-compose.yml' \
        "*** $1" \
        '********************************************************************************' >&2
    [ "$required" = no ] || exit 1
    exit 0
}

clean_up() {
    local status=$?
    if [ -n "${running:-}" ] && [ "$status" != 0 ]; then
        echo "FAILED: $running" >&2
        compose ps --all >&2 || true
        compose logs --no-color --tail 20 >&2 || true
    fi
    if [ -e "$work/env" ]; then remove_test_resources; fi
    if [ -n "$engine" ]; then stop_engine; fi
    rm -rf "$work"
}

remove_test_resources() {
    docker ps --all --quiet --filter "label=$project" | xargs -r docker rm --force --volumes >/dev/null
    docker volume ls --quiet --filter "label=$project" | xargs -r docker volume rm >/dev/null
    compose down --volumes --remove-orphans >/dev/null 2>&1 || true
    docker image rm "$IMAGE:$project" "$NEW_IMAGE:$project" >/dev/null 2>&1 || true
    if [ "$keep_images" = no ] && [ ${#built_images[@]} -gt 0 ]; then
        docker image rm --force "${built_images[@]}" >/dev/null 2>&1 || true
    fi
}

stop_engine() {
    kill "$engine" 2>/dev/null || true
    wait "$engine" || true
    awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount || true
}

main "$@"
