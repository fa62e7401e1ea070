# Sourced by buildDockerImages.sh: the digests of images.
# shellcheck shell=bash

# Also for `docker compose --env-file docker/images.env`. It is committed with a release.
readonly PINNED_IMAGES=docker/images.env

# Writes the file, with what the tags mean in the registries now.
pin_images() {
    local rust image tag variable reference text
    rust=${RUST_IMAGE:-$(sed -n 's/^ARG RUST_IMAGE=//p' docker/main/Dockerfile)}
    reference=$(with_digest "${rust%@*}")
    # shellcheck disable=SC2016 # Markdown
    text="# The images that the project is built and tested with, written by ./buildDockerImages.sh --pin"$'\n'"RUST_IMAGE=$reference"
    for image in rabbitmq:RABBITMQ_TAG mongo:MONGODB_TAG valawai/mov:MOV_TAG; do
        variable=${image#*:}
        image=${image%:*}
        tag=${!variable:-$(sed -n "s|.*image: $image:\${$variable:-\(.*\)}\$|\1|p" docker-compose.yml)}
        reference=$(with_digest "$image:${tag%@*}")
        text+=$'\n'"$variable=${reference#"$image":}"
    done
    echo "$text" >"$PINNED_IMAGES"
    echo "Wrote $PINNED_IMAGES:"
    cat "$PINNED_IMAGES"
}

# with_digest <image>: <image>@<digest>, of the registry, or else of the image that the engine has pulled from it.
with_digest() {
    local digest
    digest=$(docker buildx imagetools inspect "$1" 2>/dev/null | sed -n '/^Digest: */ { s///p; q }') || digest=''
    if [ -z "$digest" ]; then
        digest=$(docker image inspect --format '{{ range .RepoDigests }}{{ println . }}{{ end }}' "$1" 2>/dev/null | sed -n "s|^${1%:*}@||p") || digest=''
    fi
    case $digest in
        sha256:????????*) echo "$1@$digest" ;;
        *) fail "The digest of $1 is not known: its registry does not answer." ;;
    esac
}

# pinned <variable>: its value in the file.
pinned() {
    sed -n "s/^$1=//p" "$PINNED_IMAGES"
}
