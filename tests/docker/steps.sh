# Sourced by run.sh: its steps, in their order. Each leaves the component running, and the next one finds it so.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets project and work

readonly IMAGE=valawai/c1_echo_example_with_rust_and_amiquip
readonly CHANNELS=valawai/c1/echo_example_with_rust_and_amiquip
readonly SAID=queues/%2F/${CHANNELS//\//%2F}%2Fdata%2Fpublish_message
readonly LARGEST_IMAGE=5000000
# What `docker stop` waits before it kills is 10 s.
readonly LONGEST_STOP=5

build_the_image() {
    quietly ./buildDockerImages.sh --no-pull --tag "$project"
    local size inside file
    size=$(docker image inspect --format '{{.Size}}' "$IMAGE:$project")
    echo "The image has $size bytes"
    [ "$size" -lt "$LARGEST_IMAGE" ] || fail "That is more than $LARGEST_IMAGE."
    inside=$(docker create --label "$project" "$IMAGE:$project")
    for file in asyncapi.yaml LICENSE README.md CHANGELOG.md; do
        docker cp "$inside:/app/$file" - >/dev/null || fail "There is no $file in the image."
    done
    docker run --rm --label "$project" "$IMAGE:$project" --version
}

come_up() {
    compose up --detach --wait --wait-timeout 300 --quiet-pull 2>"$work/log" || { cat "$work/log" >&2; fail "It does not come up."; }
    compose ps --format '{{.Service}}: {{.Status}}'
    echo "Memory: $(docker stats --no-stream --format '{{.MemUsage}}' "$(container_of c1_echo)")"
    wait_for 10 "the registration" is_registered
}

is_registered() {
    ask_the_mov components | grep -q '"name": *"c1_echo_example_with_rust_and_amiquip"'
}

ask_the_mov() {
    compose exec -T mov curl --fail --silent --show-error "http://localhost:8080/v1/$1"
}

say_back() {
    local text="Hello number $RANDOM"
    # The MOV makes this queue when it connects the component to another one; here there is no other.
    ask_the_broker PUT "$SAID" '{"durable": true}'
    publish "$text" | grep -q '"routed":true' || fail "There is no queue of the component."
    wait_for 10 "the echo of $text" was_said "$text"
    echo "It said: $text"
}

# Over the management interface, from the container of the MOV.
publish() {
    ask_the_broker POST exchanges/%2F/amq.default/publish "{
        \"routing_key\": \"$CHANNELS/data/received_message\", \"payload_encoding\": \"string\",
        \"properties\": {\"content_type\": \"application/json\"}, \"payload\": \"{\\\"content\\\": \\\"$1\\\"}\"
    }"
}

was_said() {
    ask_the_broker POST "$SAID/get" '{"count": 10, "ackmode": "ack_requeue_false", "encoding": "auto"}' | grep -qF "$1"
}

ask_the_broker() {
    compose exec -T mov curl --fail --silent --show-error --user 'tester:t0p secret' \
        --request "$1" --header 'content-type: application/json' --data "$3" "http://mq:15672/api/$2"
}

# Replicas share the volume of the log and the health file.
scale_up_and_down() {
    scale_to 3
    scale_to 1
}

scale_to() {
    quietly compose up --detach --no-recreate --wait --wait-timeout 120 --scale "c1_echo=$1" c1_echo
    local component
    for component in $(container_of c1_echo); do
        wait_for 60 "each replica to be healthy" has_health "$component" healthy
    done
    [ "$(container_of c1_echo | wc -l)" = "$1" ] || fail "There are not $1 replicas."
    wait_for 30 "one registration" is_registered_once
    say_back
    # A moment later it is still so: replicas that took each other's place would not last.
    sleep 6
    for component in $(container_of c1_echo); do
        has_health "$component" healthy || fail "One of $1 replicas is $(health_of "$component") after a while."
    done
    is_registered_once || fail "$1 replicas are not one component for the MOV."
    echo "$1 replicas: all healthy, one registration"
}

is_registered_once() {
    is_registered && ask_the_mov components | grep -q '"total": *1[,}]'
}

stop_in_time() {
    local component before
    component=$(container_of c1_echo)
    before=$(date +%s%N)
    docker stop "$component" >/dev/null
    expect_good_end "$component" $((($(date +%s%N) - before) / 1000000))
    wait_for 5 "the end of the registration" is_not_registered
    quietly compose start c1_echo
    wait_for 60 "the component to be healthy again" has_health "$component" healthy
}

is_not_registered() {
    ask_the_mov components | grep -q '"total": *0'
}

# expect_good_end <container> <milliseconds>
expect_good_end() {
    local code
    code=$(docker inspect --format '{{.State.ExitCode}}' "$1")
    echo "It ended after $2 ms with exit code $code"
    if [ "$code" != 0 ] || [ "$2" -ge $((LONGEST_STOP * 1000)) ]; then
        fail "That is not exit code 0 within $LONGEST_STOP s."
    fi
}

lose_the_broker() {
    local component
    component=$(container_of c1_echo)
    docker kill "$(container_of mq)" >/dev/null
    wait_for 60 "the component to be unhealthy" has_health "$component" unhealthy
    [ "$(docker inspect --format '{{.State.Running}} {{.RestartCount}}' "$component")" = "true 0" ] || fail "The component ended."
    docker start "$(container_of mq)" >/dev/null
    wait_for 120 "the component to be healthy again" has_health "$component" healthy
    say_back
}

# One after the other, because only one process of a name is registered.
run_by_itself() {
    quietly compose stop c1_echo
    docker volume create --label "$project" "$project-named" >/dev/null
    mkdir "$work/logs" "$work/roots-own" && chmod 1777 "$work/logs" && chmod 755 "$work/roots-own"
    expect_healthy "its own user and an anonymous volume"
    expect_healthy "another user" --user 4321:4321
    expect_healthy "root without capabilities" --user 0:0
    expect_healthy "a named volume" --volume "$project-named:/app/logs"
    expect_healthy "tmpfs" --tmpfs /app/logs
    expect_healthy "a folder of the host" --volume "$work/logs:/app/logs" --user 4321:4321
    expect_healthy "another LOG_DIR and another name of the health file" \
        --tmpfs /elsewhere --env LOG_DIR=/elsewhere/deep --env COMPONET_ID_FILE_NAME=id.json
    expect_to_go_on_without_logs --volume "$work/roots-own:/app/logs"
}

expect_healthy() {
    local what=$1 container before
    shift
    container=$(run_hardened "$@")
    wait_for 60 "$what: to be healthy" has_health "$container" healthy
    before=$(date +%s%N)
    docker stop "$container" >/dev/null
    echo "$what: $(expect_good_end "$container" $((($(date +%s%N) - before) / 1000000)))"
}

# Without Compose: nothing but what the image brings.
run_hardened() {
    docker run --detach --label "$project" --network "${project}_valawai_net" \
        --read-only --cap-drop ALL --security-opt no-new-privileges \
        --env RABBITMQ_HOST=mq --env RABBITMQ_USERNAME=tester --env 'RABBITMQ_PASSWORD=t0p secret' \
        "$@" "$IMAGE:$project"
}

expect_to_go_on_without_logs() {
    local container
    container=$(run_hardened "$@")
    wait_for 30 "the component to say that it cannot write its log" says "$container" 'logging to the console only'
    [ "$(docker inspect --format '{{.State.Running}}' "$container")" = true ] || fail "It ended."
    docker stop "$container" >/dev/null
    echo "a folder that it must not write to: it says so and goes on"
}

says() {
    docker logs "$1" 2>&1 | grep -qF "$2"
}

# As somebody does who has only the component, and a broker at the port of this machine.
run_on_the_host() {
    local port container
    port=$(compose port mq 5672)
    cat >"$work/env-alone" <<EOF
C1_ECHO_EXAMPLE_WITH_RUST_AND_AMIQUIP_TAG=$project
RABBITMQ_HOST=host.docker.internal
RABBITMQ_PORT=${port##*:}
RABBITMQ_USERNAME=tester
RABBITMQ_PASSWORD=t0p secret
EOF
    expect_it_alone_to_be_healthy
}

read_the_password_from_a_file() {
    sed -i /RABBITMQ_PASSWORD/d "$work/env-alone"
    echo 't0p secret' >"$work/password"
    chmod 644 "$work/password"
    chmod 711 "$work"
    echo "RABBITMQ_PASSWORD_FILE=$work/password" >>"$work/env-alone"
    expect_it_alone_to_be_healthy --file docker-compose.secrets.yml
}

# expect_it_alone_to_be_healthy [more files of Compose]
expect_it_alone_to_be_healthy() {
    local alone=(docker compose --project-name "$project-alone" --file docker-compose.yml "$@" --env-file "$work/env-alone")
    quietly "${alone[@]}" up --detach --wait --wait-timeout 60
    "${alone[@]}" ps --format '{{.Service}}: {{.Status}}'
    quietly "${alone[@]}" down --volumes
}

leave_nothing() {
    docker ps --all --quiet --filter "label=$project" | xargs -r docker rm --force --volumes >/dev/null
    docker volume rm "$project-named" >/dev/null
    quietly compose down --volumes
    local left
    left=$(
        docker ps --all --format '{{.Names}}' --filter "name=$project"
        docker volume ls --format '{{.Name}}' --filter "name=$project"
        docker network ls --format '{{.Name}}' --filter "name=$project"
    )
    [ -z "$left" ] || fail "It left: $left"
}
