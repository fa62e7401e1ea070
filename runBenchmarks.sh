#!/usr/bin/env bash
#
# Measures the component beside what else could do its work, on a RabbitMQ of its own, and prints a table. It asserts
# nothing about speed. Options: runBenchmarks.sh --help
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

out=bench/results
for option in "$@"; do
    case $option in
        --help | -h)
            sed -n '/^const USAGE/,/";$/p' bench/src/options.rs | sed -e 's/^const USAGE: &str = "//' -e 's/";$//'
            exit 0
            ;;
        --quick) out=bench/results-quick ;;
    esac
done

# What is missing is installed where that is possible, and done without where it is not; only the broker must be there.
needed=(rabbitmq-server gcc libc6-dev librabbitmq-dev python3-pika valgrind)
is_here() {
    dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep --quiet '^install ok installed'
}
missing=()
for package in "${needed[@]}"; do
    is_here "$package" || missing+=("$package")
done
if ((${#missing[@]} > 0)) && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}" >&2
    install_packages "${missing[@]}" || echo "could not install all of them; going on with what is here" >&2
fi

# The component as the image has it: with its C library linked in.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' nice cargo build --quiet --release --locked --target "$host"
nice cargo build --quiet --release --locked --manifest-path bench/Cargo.toml
component=${CARGO_TARGET_DIR:-target}/$host/release/c1_echo
compiled=${CARGO_TARGET_DIR:-bench/target}/release
gcc -O2 -Wall -Wextra -o "$compiled/librabbitmq_echo" bench/contestants/librabbitmq_echo.c -lrabbitmq ||
    echo "doing without librabbitmq" >&2

python=()
for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    if program=$("$candidate" -c 'import pika, sys; print(sys.executable)' 2>/dev/null); then
        python=(--python "$program")
        break
    fi
done

exec "$compiled/bench" --component "$component" --scripts bench/contestants --out "$out" "${python[@]}" "$@"
