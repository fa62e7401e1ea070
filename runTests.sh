#!/usr/bin/env bash
# Passes the tests: format, lints, documentation, and everything in src/ and tests/, on RabbitMQ nodes of its own that
# end with it. Installs what it needs on a Debian machine; elsewhere it runs in a container.
# Words after the command go to `cargo test`: ./runTests.sh outages
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh
prepare ./runTests.sh "$@"

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps --document-private-items
step cargo build --locked --bins --examples
step cargo test --locked "$@"
