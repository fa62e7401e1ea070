#!/usr/bin/env bash
# Builds the Docker image of the component; see --help for the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=docker/engine.sh
. docker/engine.sh
# shellcheck source=docker/attest.sh
. docker/attest.sh
# shellcheck source=docker/pin.sh
. docker/pin.sh

readonly DEFAULT_PLATFORMS=linux/amd64,linux/arm64

usage() {
    cat <<EOF
Builds the Docker image of the component.

usage: ./buildDockerImages.sh [option]…

  -t,  --tag <tag>              tag of the image (default: the version in Cargo.toml)
  -p,  --platform <platforms>   platforms, separated by commas (default: the platform of this machine)
  -dp, --default-platforms      build for $DEFAULT_PLATFORMS
  -nc, --no-cache               rebuild everything
       --load                   load the image into this engine (default without --push)
       --push                   push the image to its registry; may be combined with --load
       --no-pull                use the local base image, if there is one
       --attest <folder>        write into this folder what the binary of the image was built from: the software bill of
                                materials (CycloneDX), the provenance (SLSA) and checksums, to be signed with the release
       --pin                    do not build; write docker/images.env, with the digests that the tags of the images of
                                docker-compose.yml and of the compiler have now
  -h,  --help                   print this help

With several platforms, --load creates one image for each, <tag>-amd64 and <tag>-arm64, and <tag> is the one for this
machine; --push creates one image for all of them.

The environment variable RUST_IMAGE selects another base image to compile with, for example from a mirror. Otherwise it is
that of docker/images.env, if there is such a file, or of docker/main/Dockerfile.
EOF
}

main() {
    read_options "$@"
    image=valawai/$(from_manifest name | tr '[:upper:]' '[:lower:]')
    tag=${tag:-$(from_manifest version)}
    check_engine
    if [ "$pin" = yes ]; then
        pin_images
        exit
    fi
    collect_build_arguments
    if [ "$load" = yes ]; then load_images; fi
    if [ "$push" = yes ]; then push_image; fi
    if [ -n "$attestations" ]; then attest "$attestations"; fi
}

read_options() {
    tag='' platforms='' load='' push='' pull=yes cache=yes pin=no attestations=''
    while [ $# -gt 0 ]; do
        case $1 in
            -t | --tag) tag=$(value_of "$@"); shift ;;
            -p | --platform) platforms=$(value_of "$@"); shift ;;
            -dp | --default-platforms) platforms=$DEFAULT_PLATFORMS ;;
            -nc | --no-cache) cache=no ;;
            --load) load=yes ;;
            --push) push=yes ;;
            --no-pull) pull=no ;;
            --attest) attestations=$(value_of "$@"); shift ;;
            --pin) pin=yes ;;
            -h | --help) usage && exit 0 ;;
            *) fail "Unknown option $1. See ./buildDockerImages.sh --help" ;;
        esac
        shift
    done
    if [ -z "$push" ]; then load=yes; fi
}

value_of() {
    case ${2:-} in
        '' | -*) fail "$1 needs a value. See ./buildDockerImages.sh --help" ;;
        *) echo "$2" ;;
    esac
}

# Prints the value of a key in the [package] section of Cargo.toml.
from_manifest() {
    local value
    value=$(awk -F '"' -v key="$1" '/^\[/ { here = /^\[package\]/ } here && $1 ~ "^" key " *= *$" { print $2; exit }' Cargo.toml)
    [ -n "$value" ] || fail "There is no $1 in the [package] section of Cargo.toml."
    echo "$value"
}

collect_build_arguments() {
    export DOCKER_BUILDKIT=1
    arguments=(--file docker/main/Dockerfile --build-arg "VERSION=$(from_manifest version)")
    if [ "$cache" = no ]; then arguments+=(--no-cache); fi
    if [ "$pull" = yes ]; then arguments+=(--pull); fi
    if [ -z "${RUST_IMAGE:-}" ] && [ -e "$PINNED_IMAGES" ]; then RUST_IMAGE=$(pinned RUST_IMAGE); fi
    if [ -n "${RUST_IMAGE:-}" ]; then arguments+=(--build-arg "RUST_IMAGE=$RUST_IMAGE"); fi
    context=.
    library=$(sed -n 's|^valawai = { path = "\(.*\)/crates/valawai" }$|\1|p' Cargo.toml)
    if [ -n "$library" ]; then add_library; fi
    # The time of the commit, not of the build, so that the same sources result in the same image.
    if git rev-parse HEAD >/dev/null 2>&1; then
        arguments+=(--build-arg "REVISION=$(git describe --always --match '' --abbrev=40 --dirty)")
        arguments+=(--build-arg "CREATED=$(git log -1 --format=%cI)")
        # BuildKit uses it for the files and the configuration of the image.
        arguments+=(--build-arg "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")
    fi
}

# A library that is a dependency by path lies outside of this folder: the image is built from a copy of both.
add_library() {
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    cp -R Cargo.toml Cargo.lock .dockerignore asyncapi.yaml LICENSE README.md CHANGELOG.md src "$context/"
    mkdir -p "$context/docker/main" "$context/library/crates/valawai"
    cp docker/main/build.sh "$context/docker/main/"
    cp "$library/Cargo.toml" "$context/library/"
    cp -R "$library/crates/valawai/Cargo.toml" "$library/crates/valawai/src" "$context/library/crates/valawai/"
    arguments+=(--build-arg "LIBRARY=$library")
}

load_images() {
    case $platforms in
        *,*) load_image_of_each_platform ;;
        ?*) build "$image:$tag" --platform "$platforms" ;;
        *) build "$image:$tag" ;;
    esac
}

load_image_of_each_platform() {
    local platform here
    here=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')
    for platform in ${platforms//,/ }; do
        build "$image:$tag-$(cut -d / -f 2- <<<"$platform" | tr / -)" --platform "$platform"
        if [ "$platform" = "$here" ]; then build "$image:$tag" --platform "$platform"; fi
    done
}

build() {
    docker build "${arguments[@]}" --tag "$@" "$context"
    echo "Built $1"
}

push_image() {
    case $platforms in
        *,*)
            local registry_attestations=()
            # BuildKit's own, which registries keep beside the image.
            if [ -n "$attestations" ]; then registry_attestations=(--sbom=true --provenance=mode=max); fi
            docker buildx version >/dev/null 2>&1 || fail "An image for several platforms requires buildx, a plugin of the docker command."
            docker buildx build "${arguments[@]}" --builder "$(builder_of_several_platforms)" --platform "$platforms" --tag "$image:$tag" --push "${registry_attestations[@]}" "$context"
            ;;
        *)
            if [ "$load" != yes ]; then load_images; fi
            docker push "$image:$tag"
            ;;
    esac
    echo "Pushed $image:$tag"
}

# The builder of the engine supports several platforms if the engine stores its images in containerd. Otherwise this creates
# a builder in a container.
builder_of_several_platforms() {
    local builder=c1_echo_builder
    if docker info --format '{{.DriverStatus}}' | grep -q io.containerd.snapshotter; then
        docker context show
    else
        docker buildx inspect "$builder" >/dev/null 2>&1 || docker buildx create --name "$builder" --driver docker-container >/dev/null
        echo "$builder"
    fi
}

main "$@"
