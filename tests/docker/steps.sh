# Sourced by run.sh: the steps, in order. Each step starts and ends with a running component.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets project and work

readonly IMAGE=valawai/c1_echo_example_with_rust_and_amiquip
readonly NEW_IMAGE=valawai/c0_newly_made
readonly CHANNELS=valawai/c1/echo_example_with_rust_and_amiquip
readonly OUTPUT=queues/%2F/${CHANNELS//\//%2F}%2Fdata%2Fpublish_message
readonly MAX_IMAGE_BYTES=7500000
# `docker stop` kills the process after 10 s.
readonly MAX_STOP_SECONDS=5

build_image() {
    quietly ./buildDockerImages.sh --no-pull --tag "$project"
    local size
    size=$(docker image inspect --format '{{.Size}}' "$IMAGE:$project")
    echo "The image has $size bytes"
    [ "$size" -lt "$MAX_IMAGE_BYTES" ] || fail "The image is larger than $MAX_IMAGE_BYTES bytes."
    docker run --rm --label "$project" "$IMAGE:$project" --version
}

start_services() {
    compose up --detach --wait --wait-timeout 300 --quiet-pull 2>"$work/log" || { cat "$work/log" >&2; fail "The services did not become healthy."; }
    compose ps --format '{{.Service}}: {{.Status}}'
    echo "Memory: $(docker stats --no-stream --format '{{.MemUsage}}' "$(container_of c1_echo)")"
    wait_for 10 "the component is not registered" is_registered
}

is_registered() {
    query_mov components | grep -q '"name": *"c1_echo_example_with_rust_and_amiquip"'
}

query_mov() {
    compose exec -T mov curl --fail --silent --show-error "http://localhost:8080/v1/$1"
}

echo_message() {
    local text="Hello number $RANDOM"
    # The MOV creates this queue when it connects the component to another one; in this test there is no other.
    query_broker PUT "$OUTPUT" '{"durable": true}'
    publish "$text" | grep -q '"routed":true' || fail "The input queue of the component does not exist."
    wait_for 10 "the reply $text did not arrive" was_echoed "$text"
    echo "Reply: $text"
}

# Publishes with the management interface, from the container of the MOV.
publish() {
    query_broker POST exchanges/%2F/amq.default/publish "{
        \"routing_key\": \"$CHANNELS/data/received_message\", \"payload_encoding\": \"string\",
        \"properties\": {\"content_type\": \"application/json\"}, \"payload\": \"{\\\"content\\\": \\\"$1\\\"}\"
    }"
}

was_echoed() {
    query_broker POST "$OUTPUT/get" '{"count": 10, "ackmode": "ack_requeue_false", "encoding": "auto"}' | grep -qF "$1"
}

query_broker() {
    compose exec -T mov curl --fail --silent --show-error --user 'tester:t0p secret' \
        --request "$1" --header 'content-type: application/json' --data "$3" "http://mq:15672/api/$2"
}

stop_in_time() {
    local component before
    component=$(container_of c1_echo)
    before=$(date +%s%N)
    docker stop "$component" >/dev/null
    expect_clean_exit "$component" $((($(date +%s%N) - before) / 1000000))
    wait_for 5 "the component is still registered" is_not_registered
    quietly compose start c1_echo
    wait_for 60 "the component is not healthy again" has_health "$component" healthy
}

is_not_registered() {
    query_mov components | grep -q '"total": *0'
}

# expect_clean_exit <container> <milliseconds>
expect_clean_exit() {
    local code
    code=$(docker inspect --format '{{.State.ExitCode}}' "$1")
    echo "Exit code $code after $2 ms"
    if [ "$code" != 0 ] || [ "$2" -ge $((MAX_STOP_SECONDS * 1000)) ]; then
        fail "The component must exit with 0 within $MAX_STOP_SECONDS s."
    fi
}

restart_broker() {
    local component
    component=$(container_of c1_echo)
    docker kill "$(container_of mq)" >/dev/null
    wait_for 60 "the component is not unhealthy" has_health "$component" unhealthy
    [ "$(docker inspect --format '{{.State.Running}} {{.RestartCount}}' "$component")" = "true 0" ] || fail "The component exited."
    docker start "$(container_of mq)" >/dev/null
    wait_for 120 "the component is not healthy again" has_health "$component" healthy
    echo_message
}

# One container after another, because only one process of a component registers.
run_without_compose() {
    quietly compose stop c1_echo
    docker volume create --label "$project" "$project-named" >/dev/null
    mkdir "$work/logs" "$work/read-only" && chmod 1777 "$work/logs" && chmod 755 "$work/read-only"
    expect_healthy "its own user and an anonymous volume"
    expect_healthy "another user" --user 4321:4321
    expect_healthy "root without capabilities" --user 0:0
    expect_healthy "a named volume" --volume "$project-named:/app/logs"
    expect_healthy "tmpfs" --tmpfs /app/logs
    expect_healthy "a host folder" --volume "$work/logs:/app/logs" --user 4321:4321
    expect_healthy "another LOG_DIR and another name of the health file" \
        --tmpfs /elsewhere --env LOG_DIR=/elsewhere/deep --env COMPONET_ID_FILE_NAME=id.json
    expect_to_run_without_log_folder --volume "$work/read-only:/app/logs"
}

expect_healthy() {
    local what=$1 container before
    shift
    container=$(run_hardened "$@")
    wait_for 60 "the component is not healthy with $what" has_health "$container" healthy
    before=$(date +%s%N)
    docker stop "$container" >/dev/null
    echo "$what: $(expect_clean_exit "$container" $((($(date +%s%N) - before) / 1000000)))"
}

# Runs the image, or another one in `image`, without Compose and with as few privileges as possible.
run_hardened() {
    docker run --detach --label "$project" --network "${project}_valawai_net" \
        --read-only --cap-drop ALL --security-opt no-new-privileges \
        --env RABBITMQ_HOST=mq --env RABBITMQ_USERNAME=tester --env 'RABBITMQ_PASSWORD=t0p secret' \
        "$@" "${image:-$IMAGE}:$project"
}

expect_to_run_without_log_folder() {
    local container
    container=$(run_hardened "$@")
    wait_for 30 "the component does not log that it cannot write its log file" has_logged "$container" 'logging to the console only'
    [ "$(docker inspect --format '{{.State.Running}}' "$container")" = true ] || fail "The component exited."
    docker stop "$container" >/dev/null
    echo "a folder without write permission: the component logs it and continues"
}

has_logged() {
    docker logs "$1" 2>&1 | grep -qF "$2"
}

# Uses a broker at a port of the host.
run_with_broker_on_host() {
    local port container
    port=$(compose port mq 5672)
    cat >"$work/env-alone" <<EOF
C1_ECHO_EXAMPLE_WITH_RUST_AND_AMIQUIP_TAG=$project
RABBITMQ_HOST=host.docker.internal
RABBITMQ_PORT=${port##*:}
RABBITMQ_USERNAME=tester
RABBITMQ_PASSWORD=t0p secret
EOF
    expect_healthy_alone
}

read_password_from_file() {
    sed -i /RABBITMQ_PASSWORD/d "$work/env-alone"
    echo 't0p secret' >"$work/password"
    chmod 644 "$work/password"
    chmod 711 "$work"
    echo "RABBITMQ_PASSWORD_FILE=$work/password" >>"$work/env-alone"
    expect_healthy_alone --file docker-compose.secrets.yml
}

# expect_healthy_alone [option of Compose]…
expect_healthy_alone() {
    local alone=(docker compose --project-name "$project-alone" --file docker-compose.yml "$@" --env-file "$work/env-alone")
    quietly "${alone[@]}" up --detach --wait --wait-timeout 60
    "${alone[@]}" ps --format '{{.Service}}: {{.Status}}'
    quietly "${alone[@]}" down --volumes
}

build_new_component() {
    local container
    quietly ./newComponent.sh --path c0_newly_made "$work/new"
    (cd "$work/new" && quietly ./buildDockerImages.sh --no-pull --tag "$project")
    container=$(image=$NEW_IMAGE run_hardened)
    wait_for 60 "the new component is not healthy" has_health "$container" healthy
    query_mov components | grep -q '"name": *"c0_newly_made"' || fail "The new component is not registered."
    docker stop "$container" >/dev/null
}

remove_everything() {
    docker ps --all --quiet --filter "label=$project" | xargs -r docker rm --force --volumes >/dev/null
    docker volume rm "$project-named" >/dev/null
    quietly compose down --volumes
    local left
    left=$(
        docker ps --all --format '{{.Names}}' --filter "name=$project"
        docker volume ls --format '{{.Name}}' --filter "name=$project"
        docker network ls --format '{{.Name}}' --filter "name=$project"
    )
    [ -z "$left" ] || fail "These were not removed: $left"
}
