# Sourced by run.sh: finds the images that the test needs, or makes stand-ins for those that cannot be had.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets work and standins_only

readonly STANDIN_TAG=c1-echo-standin

# Sets what the build script and Compose read: RUST_IMAGE, RABBITMQ_TAG, MONGODB_TAG and MOV_TAG. The MOV is always the
# simulator.
find_images() {
    if [ "$standins_only" = no ] && real_images_are_here; then
        note "Using the real Rust, RabbitMQ and MongoDB, and the simulator of the MOV"
    else
        note "Using stand-ins made here for Rust, RabbitMQ, MongoDB and the MOV"
        make_standins
    fi
    export MOV_TAG=$STANDIN_TAG
    make_image "valawai/mov:$MOV_TAG" --file tests/docker/standins/mov/Dockerfile --build-arg "RUST_IMAGE=$RUST_IMAGE" .
}

real_images_are_here() {
    export DEBIAN_IMAGE=debian:bookworm-slim RUST_IMAGE=rust:1-slim-bookworm RABBITMQ_TAG=management MONGODB_TAG=latest
    local image
    for image in "$DEBIAN_IMAGE" "$RUST_IMAGE" "rabbitmq:$RABBITMQ_TAG" "mongo:$MONGODB_TAG"; do
        if ! is_here "$image" && ! docker pull --quiet "$image" >/dev/null 2>&1; then
            note "There is no $image here, and no registry to pull it from"
            return 1
        fi
    done
}

make_standins() {
    export DEBIAN_IMAGE=debian:$STANDIN_TAG RUST_IMAGE=rust:$STANDIN_TAG RABBITMQ_TAG=$STANDIN_TAG MONGODB_TAG=$STANDIN_TAG
    is_here "$DEBIAN_IMAGE" || make_debian
    is_here "$RUST_IMAGE" || make_rust
    make_image "rabbitmq:$RABBITMQ_TAG" tests/docker/standins/rabbitmq
    make_image "mongo:$MONGODB_TAG" tests/docker/standins/mongo
}

# Debian from its packages, with the certificate authorities that this machine trusts.
make_debian() {
    need debootstrap "a Debian to stand in for $DEBIAN_IMAGE"
    [ "$(id -u)" = 0 ] || fail "Only root can make a Debian with debootstrap."
    note "Making $DEBIAN_IMAGE with debootstrap"
    local mirror
    mirror=$(debian_mirror) || fail "There is nothing to make the stand-ins from."
    quietly debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" "$mirror"
    cp /usr/local/share/ca-certificates/*.crt "$work/debian/usr/local/share/ca-certificates/" 2>/dev/null || true
    quietly chroot "$work/debian" update-ca-certificates
    rm -rf "$work"/debian/var/lib/apt/lists/* "$work"/debian/var/cache/apt/* "$work/debian/etc/resolv.conf"
    made_images+=("$DEBIAN_IMAGE")
    tar -C "$work/debian" --numeric-owner -c . | docker import -c 'CMD ["bash"]' - "$DEBIAN_IMAGE" >/dev/null
}

# The toolchain of this machine, as the real image has it: in /usr/local, and for this machine's own target only.
make_rust() {
    need rustup "the toolchain for a stand-in for $RUST_IMAGE"
    note "Making $RUST_IMAGE from this machine's toolchain"
    local sysroot context=$work/rust host
    sysroot=$(rustc --print sysroot)
    host=$(rustc -vV | sed -n 's/^host: //p')
    mkdir -p "$context/cargo" "$context/rustup/toolchains"
    cp -a "${CARGO_HOME:-$HOME/.cargo}/bin" "$context/cargo/bin"
    cp -a "$sysroot" "$context/rustup/toolchains/"
    rm -rf "$context/rustup/toolchains/$(basename "$sysroot")/share/doc"
    printf 'version = "12"\nprofile = "minimal"\ndefault_toolchain = "%s"\n' "$(basename "$sysroot")" >"$context/rustup/settings.toml"
    RUSTUP_HOME=$context/rustup forget_other_targets "$host"
    cat >"$context/Dockerfile" <<EOF
FROM $DEBIAN_IMAGE
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY cargo /usr/local/cargo
COPY rustup /usr/local/rustup
EOF
    make_image "$RUST_IMAGE" "$context"
    rm -rf "$context"
}

forget_other_targets() {
    local target
    for target in $(rustup target list --installed); do
        [ "$target" = "$1" ] || quietly rustup target remove "$target"
    done
}

make_image() {
    local image=$1
    shift
    is_here "$image" || made_images+=("$image")
    quietly docker build --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --tag "$image" "$@"
}

is_here() {
    docker image inspect "$1" >/dev/null 2>&1
}
