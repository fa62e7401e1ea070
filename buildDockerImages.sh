#!/usr/bin/env bash
# Builds the Docker image of the component; --help tells the options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=docker/engine.sh
. docker/engine.sh

readonly DEFAULT_PLATFORMS=linux/amd64,linux/arm64

usage() {
    cat <<EOF
Builds the Docker image of the component.

usage: ./buildDockerImages.sh [option]…

  -t,  --tag <tag>              tag of the image; the version in Cargo.toml unless given
  -p,  --platform <platforms>   build for these, separated by commas; for this machine unless given
  -dp, --default-platforms      build for $DEFAULT_PLATFORMS
  -nc, --no-cache               build everything anew
       --load                   put the image into this engine; this is done unless --push is given
       --push                   push the image to its registry; with --load, do both
       --no-pull                take the base image that is here, without asking the registry for a newer one
  -h,  --help                   this text

For several platforms, --load makes one image of each, <tag>-amd64 and <tag>-arm64, and <tag> is the one for this
machine; --push makes one image for all of them.

RUST_IMAGE names another base image to compile with, as from a mirror.
EOF
}

main() {
    read_options "$@"
    image=valawai/$(from_manifest name | tr '[:upper:]' '[:lower:]')
    tag=${tag:-$(from_manifest version)}
    check_engine
    collect_build_arguments
    if [ "$load" = yes ]; then load_images; fi
    if [ "$push" = yes ]; then push_image; fi
}

read_options() {
    tag='' platforms='' load='' push='' pull=yes cache=yes
    while [ $# -gt 0 ]; do
        case $1 in
            -t | --tag) tag=$(value_of "$@"); shift ;;
            -p | --platform) platforms=$(value_of "$@"); shift ;;
            -dp | --default-platforms) platforms=$DEFAULT_PLATFORMS ;;
            -nc | --no-cache) cache=no ;;
            --load) load=yes ;;
            --push) push=yes ;;
            --no-pull) pull=no ;;
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

# The value of a key in the [package] section of Cargo.toml.
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
    if [ -n "${RUST_IMAGE:-}" ]; then arguments+=(--build-arg "RUST_IMAGE=$RUST_IMAGE"); fi
    # The time of the commit, not of the build: the same sources make the same image.
    if git rev-parse HEAD >/dev/null 2>&1; then
        arguments+=(--build-arg "REVISION=$(git describe --always --match '' --abbrev=40 --dirty)")
        arguments+=(--build-arg "CREATED=$(git log -1 --format=%cI)")
    fi
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
    docker build "${arguments[@]}" --tag "$@" .
    echo "Built $1"
}

push_image() {
    case $platforms in
        *,*)
            docker buildx version >/dev/null 2>&1 || fail "Several platforms in one image need buildx, the plugin of the docker command."
            docker buildx build "${arguments[@]}" --builder "$(builder_of_several_platforms)" --platform "$platforms" --tag "$image:$tag" --push .
            ;;
        *)
            if [ "$load" != yes ]; then load_images; fi
            docker push "$image:$tag"
            ;;
    esac
    echo "Pushed $image:$tag"
}

# The engine's own builder can do it when the engine keeps its images in containerd; else a builder in a container can.
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
