#!/usr/bin/env bash
# Runs all checks and tests: format, lints, documentation, and the tests of the workspace, on RabbitMQ nodes that the
# tests start and stop. Installs what is missing on a Debian machine; elsewhere it runs in a container.
# Arguments are passed to `cargo test`: `./runTests.sh outages` runs the tests whose name contains `outages`.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
prepare ./runTests.sh "$@"

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step cargo fmt --all --check
step cargo clippy --locked --workspace --all-targets -- -D warnings
# The library as authors use it, without the features of its tests.
step cargo clippy --locked --package valawai -- -D warnings
RUSTDOCFLAGS='-D warnings' step cargo doc --locked --workspace --no-deps --document-private-items
# The tests start the programs of the workspace.
step cargo build --locked --workspace --bins --examples
step cargo test --locked --workspace "$@"
