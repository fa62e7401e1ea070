#!/usr/bin/env bash
# Checks that the lock files are current, and the dependencies with cargo-deny; deny.toml has the rules. Checks that need
# something this machine cannot get are skipped with a warning.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

# Compiling cargo-deny takes several minutes.
readonly INSTALL_LIMIT=1200

main() {
    check_lock_files
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

# The benchmark and the fuzzer have lock files of their own, which a new dependency of the library makes stale.
check_lock_files() {
    echo "== lock files"
    local lock manifest stale=0
    while read -r lock; do
        manifest=${lock%.lock}.toml
        if ! cargo update --quiet --locked --workspace --manifest-path "$manifest"; then
            echo "Run: cargo update --workspace --manifest-path $manifest" >&2
            stale=1
        fi
    done < <(git ls-files '*Cargo.lock')
    return $stale
}

has_cargo_deny() {
    cargo deny --version >/dev/null 2>&1 && return
    echo "Installing cargo-deny with cargo."
    timeout --kill-after=60 "$INSTALL_LIMIT" cargo install --quiet --locked cargo-deny
}

main
