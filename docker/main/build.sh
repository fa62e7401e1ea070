#!/bin/sh
# Compiles the component as its image has it. Run it in the folder of Cargo.toml, as docker/main/Dockerfile and
# .ci/reproducible.sh do; the arguments are passed on to cargo:
#
#   docker/main/build.sh [--target <target>] [argument of cargo build]…
#
# The same sources and the same compiler result in the same bytes, wherever the folders are: no path of the machine gets into
# the binary. With cargo-auditable, it lists the crates that it was built from, in its section `.dep-v0`.
set -eu

target=$(rustc -vV | sed -n 's/^host: //p')
if [ "${1:-}" = --target ]; then
    target=$2
    shift 2
fi
sources=$(pwd -P)
crates=${CARGO_HOME:-$HOME/.cargo}
if [ -d "$crates" ]; then crates=$(cd "$crates" && pwd -P); fi

# glibc is linked statically: a message takes half the CPU time that it takes with musl's allocator (docs/performance.md).
flags='-C target-feature=+crt-static'
# Packed relocations make the binary 0.1 MB smaller. The linker of Debian 12 has them for amd64 only.
case $target in x86_64-*) flags="$flags -C link-arg=-Wl,-z,pack-relative-relocs" ;; esac
# The last one that matches counts.
flags="$flags --remap-path-prefix=$(rustc --print sysroot)=/rust --remap-path-prefix=$crates=/cargo --remap-path-prefix=$sources=/component"
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$crates=/cargo -ffile-prefix-map=$sources=/component"
export RUSTFLAGS="$flags" CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$sources/target"

if cargo auditable --version >/dev/null 2>&1; then build='auditable build'; else build=build; fi
# shellcheck disable=SC2086 # two words
exec cargo $build --release --locked --target "$target" --package c1_echo_example_with_rust_and_amiquip "$@"
