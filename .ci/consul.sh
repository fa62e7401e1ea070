#!/usr/bin/env bash
# Prints the path of a Consul for the tests. Debian has no package of it: if it is not in PATH, it is built once, from the Go
# module proxy, and kept in the user's cache folder. That needs about four minutes of one processor and 3 GB in a temporary
# folder. A machine without Go gets Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

version=1.13.9
program=${XDG_CACHE_HOME:-$HOME/.cache}/valawai/consul-$version

main() {
    if command -v consul; then return; fi
    if ! works "$program"; then build; fi
    echo "$program"
}

works() {
    [ -x "$1" ] && "$1" version >/dev/null 2>&1
}

# The file gets its name only when it is complete.
build() {
    local go folder status=0
    go=$(find_go)
    folder=$(mktemp --directory --tmpdir valawai-consul-XXXXXX)
    echo "Building Consul $version in $folder, with $("$go" version)" >&2
    (
        cd "$folder"
        # Everything that Go keeps stays in the temporary folder; nothing but a Go compiler is needed.
        export GOPATH=$folder/go GOCACHE=$folder/cache GOTOOLCHAIN=local GOFLAGS='-mod=mod -modcacherw' CGO_ENABLED=0
        unset GOROOT GOBIN GOOS GOARCH
        "$go" mod init consul_for_tests
        "$go" get "github.com/hashicorp/consul@v$version"
        "$go" build -trimpath -ldflags '-s -w' -o consul github.com/hashicorp/consul
    ) >"$folder/log" 2>&1 || status=$?
    if [ "$status" = 0 ] && works "$folder/consul"; then
        mkdir -p "$(dirname "$program")"
        mv "$folder/consul" "$program.new"
        mv "$program.new" "$program"
    else
        tail -n 20 "$folder/log" >&2
        status=1
    fi
    rm -rf "$folder"
    return "$status"
}

find_go() {
    local go
    if ! command -v go >/dev/null && [ ! -x /usr/local/go/bin/go ]; then install_packages golang-go; fi
    for go in "$(command -v go || true)" /usr/local/go/bin/go; do
        if [ -x "$go" ]; then echo "$go" && return; fi
    done
    echo "No Go compiler: Consul cannot be built." >&2
    return 1
}

main
