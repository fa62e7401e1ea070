#!/usr/bin/env bash
# Demonstrates the component: it registers, becomes healthy, echoes a message and unregisters. It runs on a temporary
# RabbitMQ node, with a simulator of the MOV. Installs what is missing on a Debian machine; elsewhere it runs in a
# container. With --scene, the examples of all three levels work together instead. With --platform, the RabbitMQ node and
# the simulator run until Ctrl-C, for components that are started by hand; their settings are in target/platform.env.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
prepare ./runDemo.sh "$@"

cargo build --locked --workspace --bins --examples
case "${1:-}" in
"") demo=demo ;;
--scene) demo=scene ;;
--platform) demo=platform ;;
*)
    echo "usage: ./runDemo.sh [--scene|--platform]" >&2
    exit 64
    ;;
esac
exec "${CARGO_TARGET_DIR:-target}/debug/examples/$demo"
