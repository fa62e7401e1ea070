#!/usr/bin/env bash
# Demonstrates the component: it registers, becomes healthy, echoes a message and unregisters. It runs on a temporary
# RabbitMQ node, with a simulator of the MOV. Installs what is missing on a Debian machine; elsewhere it runs in a
# container.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
prepare ./runDemo.sh "$@"

cargo build --locked --workspace --bins --examples
exec "${CARGO_TARGET_DIR:-target}/debug/examples/demo"
