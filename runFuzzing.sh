#!/usr/bin/env bash
#
# Feeds everything that reads bytes from outside with what no test thought of.
#
#   ./runFuzzing.sh [SECONDS [TARGET...]]    each target for 600 seconds, or as many as are given
#
# What is found lies in fuzz/artifacts/ afterwards, and the script ends with 1.
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-600}
shift || true
[[ $seconds =~ ^[0-9]+$ ]] || { sed -n '3,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }

cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
# The fuzzer's instrumentation is not in the stable compiler's options yet.
export RUSTC_BOOTSTRAP=1

if (($# == 0)); then
    mapfile -t targets < <(cargo fuzz list)
else
    targets=("$@")
fi

# What earlier runs came to, to go on from there.
[[ -d fuzz/corpus ]] || tar --directory=fuzz --extract --xz --file=fuzz/corpus.tar.xz

cargo fuzz build
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    # What the fuzzer says is long; its last figures tell what there is to know.
    log=fuzz/target/$target.log
    if ! cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
        tail --lines=40 "$log" >&2
        exit 1
    fi
    grep --extended-regexp 'DONE|number_of_executed_units' "$log"
done
