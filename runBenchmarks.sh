#!/usr/bin/env bash
#
# Builds the component and the benchmark, measures the component against other AMQP clients on a temporary RabbitMQ
# broker, and prints a table. It asserts nothing about speed. Options: runBenchmarks.sh --help
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=.ci/prepare.sh
. .ci/prepare.sh

out=bench/results
for option in "$@"; do
    case $option in
        --help | -h)
            cat bench/src/cli/usage.txt
            exit 0
            ;;
        --quick) out=bench/results-quick ;;
    esac
done

# Only RabbitMQ is required. Without one of the other packages, contestants or measurements are left out.
packages=(rabbitmq-server gcc libc6-dev librabbitmq-dev python3-pika valgrind)
is_installed() {
    dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep --quiet '^install ok installed'
}
missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} > 0)) && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}." >&2
    install_packages "${missing[@]}" || echo "Could not install all packages; continuing without them." >&2
fi

# The component is built as for the image: with a static C library.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' nice cargo build --quiet --release --locked --target "$host"
nice cargo build --quiet --release --locked --manifest-path bench/Cargo.toml
component=${CARGO_TARGET_DIR:-target}/$host/release/c1_echo
compiled=${CARGO_TARGET_DIR:-bench/target}/release
gcc -O2 -Wall -Wextra -o "$compiled/librabbitmq_echo" bench/contestants/librabbitmq_echo.c -lrabbitmq ||
    echo "Could not compile the contestant for librabbitmq; continuing without it." >&2

python=()
for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    if program=$("$candidate" -c 'import pika, sys; print(sys.executable)' 2>/dev/null); then
        python=(--python "$program")
        break
    fi
done

exec "$compiled/bench" --component "$component" --scripts bench/contestants --out "$out" "${python[@]}" "$@"
