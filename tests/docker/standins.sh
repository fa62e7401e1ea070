# Sourced by run.sh: finds the images that the test needs, or builds stand-ins for them.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets work and standins_only

readonly STANDIN_TAG=c1-echo-standin

# Sets the variables of the build script and of Compose: RUST_IMAGE, RABBITMQ_TAG, MONGODB_TAG and MOV_TAG. The MOV is always
# the simulator.
find_images() {
    if [ "$standins_only" = no ] && has_real_images; then
        note "Using the images of Rust, RabbitMQ and MongoDB, and the MOV simulator"
    else
        note "Using stand-ins for Rust, RabbitMQ, MongoDB and the MOV"
        build_standins
    fi
    export MOV_TAG=$STANDIN_TAG
    build_image_from "valawai/mov:$MOV_TAG" --file tests/docker/standins/mov/Dockerfile --build-arg "RUST_IMAGE=$RUST_IMAGE" .
}

has_real_images() {
    DEBIAN_IMAGE=debian:bookworm-slim RUST_IMAGE=rust:$(pinned_toolchain)-slim-bookworm
    RABBITMQ_TAG=management MONGODB_TAG=latest
    export DEBIAN_IMAGE RUST_IMAGE RABBITMQ_TAG MONGODB_TAG
    local image
    for image in "$DEBIAN_IMAGE" "$RUST_IMAGE" "rabbitmq:$RABBITMQ_TAG" "mongo:$MONGODB_TAG"; do
        if ! is_here "$image" && ! docker pull --quiet "$image" >/dev/null 2>&1; then
            note "The image $image is not here and cannot be pulled"
            return 1
        fi
    done
}

build_standins() {
    export DEBIAN_IMAGE=debian:$STANDIN_TAG RUST_IMAGE=rust:$STANDIN_TAG RABBITMQ_TAG=$STANDIN_TAG MONGODB_TAG=$STANDIN_TAG
    is_here "$DEBIAN_IMAGE" || build_debian
    is_here "$RUST_IMAGE" || build_rust
    build_image_from "rabbitmq:$RABBITMQ_TAG" tests/docker/standins/rabbitmq
    build_image_from "mongo:$MONGODB_TAG" tests/docker/standins/mongo
}

# A Debian image from packages, with the certificate authorities that this machine trusts.
build_debian() {
    need debootstrap "a stand-in for $DEBIAN_IMAGE"
    [ "$(id -u)" = 0 ] || fail "Only root can run debootstrap."
    note "Building $DEBIAN_IMAGE with debootstrap"
    local mirror
    mirror=$(debian_mirror) || fail "The stand-ins cannot be built."
    quietly debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" "$mirror"
    cp /usr/local/share/ca-certificates/*.crt "$work/debian/usr/local/share/ca-certificates/" 2>/dev/null || true
    quietly chroot "$work/debian" update-ca-certificates
    rm -rf "$work"/debian/var/lib/apt/lists/* "$work"/debian/var/cache/apt/* "$work/debian/etc/resolv.conf"
    built_images+=("$DEBIAN_IMAGE")
    tar -C "$work/debian" --numeric-owner -c . | docker import -c 'CMD ["bash"]' - "$DEBIAN_IMAGE" >/dev/null
}

# The Rust toolchain of this machine, in /usr/local as in the real image, and only for the target of this machine.
build_rust() {
    need rustup "a stand-in for $RUST_IMAGE"
    note "Building $RUST_IMAGE from the toolchain of this machine"
    local sysroot context=$work/rust host
    sysroot=$(realpath "$(rustc --print sysroot)")
    host=$(rustc -vV | sed -n 's/^host: //p')
    mkdir -p "$context/cargo" "$context/rustup/toolchains"
    cp -a "${CARGO_HOME:-$HOME/.cargo}/bin" "$context/cargo/bin"
    cp -a "$sysroot" "$context/rustup/toolchains/"
    rm -rf "$context/rustup/toolchains/$(basename "$sysroot")/share/doc"
    printf 'version = "12"\nprofile = "minimal"\ndefault_toolchain = "%s"\n' "$(basename "$sysroot")" >"$context/rustup/settings.toml"
    # RUSTUP_TOOLCHAIN overrides rust-toolchain.toml, whose toolchain may have another name here.
    RUSTUP_HOME=$context/rustup RUSTUP_TOOLCHAIN=$(basename "$sysroot") remove_other_targets "$host"
    cat >"$context/Dockerfile" <<EOF
FROM $DEBIAN_IMAGE
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY cargo /usr/local/cargo
COPY rustup /usr/local/rustup
EOF
    build_image_from "$RUST_IMAGE" "$context"
    rm -rf "$context"
}

remove_other_targets() {
    local target
    for target in $(rustup target list --installed); do
        [ "$target" = "$1" ] || quietly rustup target remove "$target"
    done
}

build_image_from() {
    local image=$1
    shift
    is_here "$image" || built_images+=("$image")
    quietly docker build --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --tag "$image" "$@"
}

is_here() {
    docker image inspect "$1" >/dev/null 2>&1
}
