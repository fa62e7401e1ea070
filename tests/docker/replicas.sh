# Sourced by run.sh: replicas of the component.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets project

# Replicas share the volume of the log and the health file.
scale_up_and_down() {
    scale_to 3
    wait_for 60 "not all replicas get messages" spread_messages
    kill_a_replica
    scale_to 1
}

scale_to() {
    quietly compose up --detach --no-recreate --wait --wait-timeout 120 --scale "c1_echo=$1" c1_echo
    local component
    for component in $(container_of c1_echo); do
        wait_for 60 "a replica is not healthy" has_health "$component" healthy
    done
    [ "$(container_of c1_echo | wc -l)" = "$1" ] || fail "The number of replicas is not $1."
    wait_for 30 "there is not exactly one registration" is_registered_once
    echo_message
    # Replicas that take the registration from each other would not stay healthy.
    sleep 6
    for component in $(container_of c1_echo); do
        has_health "$component" healthy || fail "One of $1 replicas became $(health_of "$component")."
    done
    is_registered_once || fail "$1 replicas have more or less than one registration."
    echo "$1 replicas: all healthy, one registration"
}

is_registered_once() {
    is_registered && query_mov components | grep -q '"total": *1[,}]'
}

# Each process counts what it receives. Those that got something are counted here.
spread_messages() {
    local number busy
    for number in 1 2 3 4 5 6; do publish "$number" >/dev/null; done
    busy=$(compose exec -T --index 1 c1_echo /app/c1_echo stats --json --timeout 3s |
        grep --count '"channel":"data/received_message".*"received":[1-9]')
    [ "$busy" = 3 ]
}

# The others go on, and one of them takes over.
kill_a_replica() {
    local killed component
    killed=$(container_of c1_echo | head -n 1)
    docker kill "$killed" >/dev/null
    wait_for 60 "there is not exactly one registration after a replica was killed" is_registered_once
    drain_output
    echo_message
    for component in $(container_of c1_echo); do
        [ "$component" = "$killed" ] || wait_for 30 "another replica is not healthy" has_health "$component" healthy
    done
    docker rm --force "$killed" >/dev/null
    echo "One of three replicas was killed: the others are healthy, one registration"
}

drain_output() {
    query_broker DELETE "$OUTPUT/contents" '' >/dev/null
}
