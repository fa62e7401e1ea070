# Sourced by buildDockerImages.sh: the software bill of materials, and the provenance of the image.
# shellcheck shell=bash
# shellcheck disable=SC2154 # buildDockerImages.sh sets arguments, context, image, platforms and tag

# attest <folder>: for one platform, the one that --platform names, or that of this machine.
attest() {
    local folder=$1 started sums platform=()
    case $platforms in
        *,*) echo "Only BuildKit's own attestations are made for several platforms, with --push; name one --platform for $folder." && return ;;
        ?*) platform=(--platform "$platforms") ;;
    esac
    mkdir -p "$folder"
    started=$(date --utc +%FT%TZ)
    docker build "${arguments[@]}" "${platform[@]}" --target attestations --output "type=local,dest=$folder" "$context"
    write_provenance "$folder" "$started" >"$folder/provenance.intoto.json"
    sums=$(cd "$folder" && sha256sum Cargo.lock ./*.json "$(binary_of .)")
    echo "${sums//.\//}" >"$folder/SHA256SUMS"
    echo "Wrote what $image:$tag was built from into $folder"
}

# write_provenance <folder> <time>: a statement of in-toto with the predicate of SLSA 1.0. What it contains needs no escapes:
# names of images, digests, and arguments of this script.
write_provenance() {
    local binary base base_digest revision origin
    binary=$(binary_of "$1")
    base=$(build_argument RUST_IMAGE)
    base=${base:-$(sed -n 's/^ARG RUST_IMAGE=//p' docker/main/Dockerfile)}
    # An image that was not pulled has no digest but that of its configuration.
    case $base in
        *@sha256:*) base_digest=${base#*@sha256:} ;;
        *) base_digest=$(docker image inspect --format '{{.Id}}' "$base" | sed 's/^sha256://') ;;
    esac
    revision=$(build_argument REVISION)
    # Without a password, if there is one in it.
    origin=$(git config --get remote.origin.url 2>/dev/null | sed 's|//[^/]*@|//|' || true)
    cat <<EOF
{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {"name": "$binary", "digest": {"sha256": "$(digest_of "$1/$binary")"}}$(image_subject)
  ],
  "predicateType": "https://slsa.dev/provenance/v1",
  "predicate": {
    "buildDefinition": {
      "buildType": "https://valawai.eu/build/buildDockerImages.sh/v1",
      "externalParameters": {
        "image": "$image:$tag",
        "platform": "${platforms:-$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')}",
        "version": "$(build_argument VERSION)"
      },
      "internalParameters": {"RUST_IMAGE": "$base", "SOURCE_DATE_EPOCH": "$(build_argument SOURCE_DATE_EPOCH)"},
      "resolvedDependencies": [
        {"uri": "git+$origin", "digest": {"gitCommit": "${revision%-dirty}"}, "annotations": {"modified": $(is_modified "$revision")}},
        {"uri": "docker://${base%@*}", "digest": {"sha256": "$base_digest"}},
        {"uri": "Cargo.lock", "digest": {"sha256": "$(digest_of "$1/Cargo.lock")"}},
        {"uri": "docker/main/Dockerfile", "digest": {"sha256": "$(digest_of docker/main/Dockerfile)"}}
      ]
    },
    "runDetails": {
      "builder": {
        "id": "https://valawai.eu/build/docker",
        "version": {"docker": "$(docker version --format '{{.Server.Version}}')"}
      },
      "metadata": {"startedOn": "$2", "finishedOn": "$(date --utc +%FT%TZ)"},
      "byproducts": [{"name": "sbom.cdx.json", "digest": {"sha256": "$(digest_of "$1/sbom.cdx.json")"}}]
    }
  }
}
EOF
}

# The image, if this engine has it.
image_subject() {
    local id
    id=$(docker image inspect --format '{{.Id}}' "$image:$tag" 2>/dev/null) || return 0
    printf ',\n    {"name": "%s", "digest": {"sha256": "%s"}}' "$image:$tag" "${id#sha256:}"
}

# The file that is none of the others.
binary_of() {
    find "$1" -maxdepth 1 -type f ! -name '*.json' ! -name Cargo.lock ! -name SHA256SUMS -printf '%f\n'
}

is_modified() {
    case $1 in *-dirty | '') echo true ;; *) echo false ;; esac
}

# build_argument <name>: its value.
build_argument() {
    local each
    for each in "${arguments[@]}"; do
        case $each in "$1="*) echo "${each#*=}" ;; esac
    done
}

digest_of() {
    sha256sum "$1" | cut -d ' ' -f 1
}
