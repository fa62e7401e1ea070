#!/usr/bin/env bash
#
# Fuzzes the code that reads bytes from outside.
#
#   ./runFuzzing.sh [SECONDS [TARGET...]]    runs each target for 600 seconds, or for SECONDS
#
# If a target fails, the script exits with 1, and the input is in fuzz/artifacts/.
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-600}
shift || true
[[ $seconds =~ ^[0-9]+$ ]] || { sed -n '3,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }

cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
# libFuzzer's instrumentation is an unstable option of the compiler; this permits it on stable.
export RUSTC_BOOTSTRAP=1

if (($# == 0)); then
    mapfile -t targets < <(cargo fuzz list)
else
    targets=("$@")
fi

# Start from the inputs that earlier runs found.
[[ -d fuzz/corpus ]] || tar --directory=fuzz --extract --xz --file=fuzz/corpus.tar.xz

cargo fuzz build
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    # The output is long; only the final statistics are printed.
    log=fuzz/target/$target.log
    if ! cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
        tail --lines=40 "$log" >&2
        exit 1
    fi
    grep --extended-regexp 'DONE|number_of_executed_units' "$log"
done
