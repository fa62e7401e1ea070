#!/usr/bin/env bash
# Creates a repository for a new component; see --help.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly kit

# What the component shares with the echo, apart from names.
readonly COPIES=(LICENSE rustfmt.toml rust-toolchain.toml buildDockerImages.sh docker/engine.sh docker/attest.sh
    docker/pin.sh docker/main/build.sh docker-compose.yml docker-compose.old-engine.yml docker-compose.secrets.yml)
readonly MAX_NAME=64

usage() {
    cat <<END
Creates a repository for a new component: its contract, two source files with tests, its image, its Compose file, and
continuous integration. As created, it passes its tests and registers.

usage: ./newComponent.sh [option] NAME FOLDER

  NAME     the level and the name of the component: c0_thermometer, c1_word_count, c2_treatment_values
  FOLDER   the folder that is created

  --path         depend on the library by its path, in this folder
  --git [URL]    depend on the library by its repository (default: the remote \`origin\` of this folder), at this commit
  -h, --help     print this help

Without an option, the dependency is by repository if this commit is known to be at \`origin\`, and by path otherwise.
END
}

main() {
    read_arguments "$@"
    check_name
    check_folder
    choose_dependency
    mkdir -p "$(dirname "$folder")"
    # Complete or not at all.
    draft=$(mktemp -d "$(dirname "$folder")/.new-component.XXXXXX")
    trap 'rm -rf "$draft"' EXIT
    write_component
    chmod 755 "$draft"
    mv --no-target-directory "$draft" "$folder"
    start_repository
    print_next_steps
}

read_arguments() {
    local words=()
    dependency='' url=''
    while [ $# -gt 0 ]; do
        case $1 in
            --path) dependency=path ;;
            --git)
                dependency=git
                case ${2:-} in *:*) url=$2 && shift ;; esac
                ;;
            -h | --help) usage && exit 0 ;;
            -*) fail_usage "Unknown option $1." ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    [ ${#words[@]} = 2 ] || fail_usage "A name and a folder are needed."
    name=${words[0]} folder=${words[1]%/}
}

check_name() {
    case $name in
        c[012]_*) ;;
        *) fail_usage "The name \`$name\` must start with the level of the component: c0_, c1_ or c2_." ;;
    esac
    # VALAWAI also allows capitals, which neither crates nor images do.
    [[ $name =~ ^c[012](_[a-z0-9]+)+$ ]] || fail_usage "The name \`$name\` must consist of a-z, 0-9 and single _, as in c1_word_count."
    [ ${#name} -le $MAX_NAME ] || fail_usage "The name \`$name\` is longer than $MAX_NAME characters."
    level=${name%%_*}
}

check_folder() {
    [ -n "$folder" ] || fail_usage "The folder is empty."
    if [ -e "$folder" ] || [ -L "$folder" ]; then fail_usage "$folder exists already. Name a folder that does not exist."; fi
    folder=$(realpath --canonicalize-missing -- "$folder")
    case $folder/ in
        "$kit"/*) fail_usage "$folder lies in the repository of the library. A component has a repository of its own." ;;
    esac
}

# Sets `library` to the path or the URL of the library, and `revision`.
choose_dependency() {
    revision=$(git -C "$kit" rev-parse HEAD 2>/dev/null) || revision=''
    [ -n "$url" ] || url=$(git -C "$kit" remote get-url origin 2>/dev/null) || url=''
    if [ -z "$dependency" ]; then
        dependency=path
        if is_published; then dependency=git; fi
    fi
    if [ "$dependency" = path ]; then
        library=$(realpath --relative-to="$folder" --canonicalize-missing -- "$kit")
        return
    fi
    if [ -z "$url" ] || [ -z "$revision" ]; then fail_usage "The repository of the library is not known. Use --git URL, or --path."; fi
    # Cargo does not know the short form of ssh URLs.
    case $url in *://*) library=$url ;; *:*) library=ssh://${url/:/\/} ;; *) library=file://$url ;; esac
}

is_published() {
    case $url in https://* | ssh://* | *@*:*) ;; *) return 1 ;; esac
    [ -n "$(git -C "$kit" branch --remotes --contains HEAD --list 'origin/*' 2>/dev/null)" ]
}

write_component() {
    cp -R "$kit/templates/all/." "$kit/templates/$level/." "$draft"
    local file
    for file in "${COPIES[@]}"; do cp "$kit/$file" "$draft/$file"; done
    # The versions that the library is tested with; Cargo leaves out what the component does not use.
    cp "$kit/Cargo.lock" "$draft/"
    write_dockerfile
    while IFS= read -r -d '' file; do fill_in "$file"; done < <(find "$draft" -type f ! -name LICENSE ! -name Cargo.lock -print0)
}

# The Dockerfile of the echo, with another way to build.
write_dockerfile() {
    local build=$draft/docker/main/Dockerfile.build
    sed -e "/^WORKDIR \/build\$/,/^FROM scratch\$/ {
        /^WORKDIR/ r $build
        /^FROM scratch\$/ !d
    }" "$kit/docker/main/Dockerfile" >"$draft/docker/main/Dockerfile"
    rm "$build"
}

# Fills in the names, and keeps the lines that are marked with the kind of the dependency.
fill_in() {
    local text channels=valawai/$level/${name#*_} title=${name//_/ } reference
    # Characters that sed would interpret.
    # shellcheck disable=SC2001 # Bash versions differ in how they replace by a backslash
    reference=$(sed 's/[&|\\]/\\&/g' <<<"$library")
    text=$(sed \
        -e "s/^@$dependency \{0,1\}//" -e '/^@\(git\|path\)\( \|$\)/d' \
        -e "s|{{name}}|$name|g" -e "s|{{channels}}|$channels|g" -e "s|{{level}}|${level^^}|g" -e "s|{{title}}|${title^}|g" \
        -e "s|{{kit}}|$reference|g" -e "s|{{revision}}|$revision|g" \
        -e "s|c1_echo_example_with_rust_and_amiquip|$name|g" -e "s|C1_ECHO_EXAMPLE_WITH_RUST_AND_AMIQUIP|${name^^}|g" \
        -e "s|c1_echo|$name|g" -e "s|An echo component for VALAWAI (C1)|A ${level^^} component for VALAWAI|" "$1")
    # Writing to the file keeps its mode.
    printf '%s\n' "$text" >"$1"
}

start_repository() {
    if command -v git >/dev/null; then git init --quiet "$folder"; fi
    # The image is built with a complete Cargo.lock.
    (cd "$folder" && cargo metadata --format-version 1 >/dev/null 2>&1) ||
        echo "Run \`cargo build\` in $folder before you build the image: Cargo.lock could not be completed." >&2
}

print_next_steps() {
    cat <<END
Created $name in $folder. Next:

  cd $folder
  ./runTests.sh
  RABBITMQ_URL=amqp://user:password@localhost cargo run
END
}

fail_usage() {
    echo "$1 See ./newComponent.sh --help" >&2
    exit 64
}

main "$@"
