#!/usr/bin/env bash
# Stops what startDevelopmentEnvironment.sh started; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=docker/engine.sh
. docker/engine.sh
# shellcheck source=docker/dev/compose.sh
. docker/dev/compose.sh

usage() {
    cat <<EOF
Stops the development environment. Keeps the database, and what Cargo downloaded and built.

usage: ./stopDevelopmentEnvironment.sh [option]

      --volumes   remove these as well
  -h, --help      print this help
EOF
}

main() {
    local options=()
    case ${1:-} in
        '') ;;
        --volumes) options=(--volumes) ;;
        -h | --help) usage && exit 0 ;;
        *) fail "Unknown option $1. See ./stopDevelopmentEnvironment.sh --help" ;;
    esac
    check_engine
    check_compose
    development_compose --profile shell down --remove-orphans ${options[@]+"${options[@]}"}
}

main "$@"
