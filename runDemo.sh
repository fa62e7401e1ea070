#!/usr/bin/env bash
# Shows the component at work: it registers, becomes healthy, echoes a message and unregisters, on a throw-away RabbitMQ
# and with a simulator of the MOV. Installs what it needs on a Debian machine; elsewhere it runs in a container.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
prepare ./runDemo.sh "$@"

cargo build --locked --bins --examples
exec "${CARGO_TARGET_DIR:-target}/debug/examples/demo"
