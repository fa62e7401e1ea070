#!/usr/bin/env bash
# Checks the dependencies with cargo-deny; deny.toml has the rules. Checks that need something this machine cannot get are
# skipped with a warning.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

# Compiling cargo-deny takes several minutes.
readonly INSTALL_LIMIT=1200

main() {
    local checks=(bans licenses sources)
    if ! has_cargo_deny; then
        skipped "the dependency check: cargo-deny cannot be installed"
        return
    fi
    if timeout 120 cargo deny --locked fetch db; then
        checks+=(advisories)
    else
        skipped "the advisories: the database cannot be fetched"
    fi
    echo "== cargo deny check ${checks[*]}"
    cargo deny --locked --workspace check "${checks[@]}"
}

has_cargo_deny() {
    cargo deny --version >/dev/null 2>&1 && return
    echo "Installing cargo-deny with cargo."
    timeout --kill-after=60 "$INSTALL_LIMIT" cargo install --quiet --locked cargo-deny
}

main
