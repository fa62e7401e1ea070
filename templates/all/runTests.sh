#!/usr/bin/env bash
# Checks the format and the lints, and runs the tests. They need no RabbitMQ.
set -euo pipefail
cd "$(dirname "$0")"
cargo fmt --check
cargo clippy --all-targets -- -D warnings
cargo test
