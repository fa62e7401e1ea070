# Sourced by run.sh: what is in the image, and what it was built from.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh sets project and work

# Everything in the image. What a scanner of images would look for, packages of a distribution, is not there.
readonly IMAGE_FILES='app/CHANGELOG.md app/LICENSE app/README.md app/asyncapi.yaml app/c1_echo etc/ssl/certs/ca-certificates.crt'
# What the engine adds to a container.
readonly ENGINE_FILES='\.dockerenv|dev/.*|etc/(hostname|hosts|mtab|resolv\.conf)'

check_contents() {
    local container found path
    container=$(docker create --label "$project" "$IMAGE:$project")
    docker export "$container" | tar --extract --directory "$(mkdir -p "$work/contents" && echo "$work/contents")" --exclude 'dev/*'
    found=$(cd "$work/contents" && find . ! -type d -printf '%P\n' | grep --invert-match --extended-regexp "^($ENGINE_FILES)\$" | sort | xargs)
    [ "$found" = "$IMAGE_FILES" ] || fail "The image contains $found instead of $IMAGE_FILES."
    [ "$(stat --format %a "$work/contents/app/logs")" = 1777 ] || fail "Not everybody can write to /app/logs."
    for path in /build/src /build/crates /build/target /usr/local/cargo /usr/local/rustup "$HOME/"; do
        if grep --quiet --fixed-strings --text -e "$path" "$work/contents/app/c1_echo"; then fail "The path $path is in the binary."; fi
    done
    grep --quiet --fixed-strings --text .dep-v0 "$work/contents/app/c1_echo" || fail "The binary does not list its crates."
    echo "The image contains $found"
}

attest_image() {
    local folder=$work/attestations
    quietly ./buildDockerImages.sh --no-pull --tag "$project" --attest "$folder"
    (cd "$folder" && sha256sum --check --quiet SHA256SUMS) || fail "The checksums are wrong."
    cmp "$folder/c1_echo" "$work/contents/app/c1_echo" || fail "The attested binary is not that of the image."
    if ! command -v python3 >/dev/null; then note "No python3: the contents of the attestations are not checked" && return; fi
    python3 -m pip install --quiet --target "$work/cyclonedx" 'cyclonedx-python-lib[json-validation]==11.12.0' >&2 || true
    PYTHONPATH=$work/cyclonedx python3 tests/docker/check_attestations.py "$folder"
}
