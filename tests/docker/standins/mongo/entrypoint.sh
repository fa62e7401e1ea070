#!/bin/sh
set -eu
: "${MONGO_INITDB_ROOT_USERNAME:?}" "${MONGO_INITDB_ROOT_PASSWORD:?}" "${MONGO_INITDB_DATABASE:?}"
script=/docker-entrypoint-initdb.d/init-mongo.js
# Names of variables contain no spaces.
# shellcheck disable=SC2013
for variable in $(grep -o 'process\.env\.[A-Z_]*' "$script" | cut -d . -f 3); do
    if [ -z "$(printenv "$variable")" ]; then
        echo "$script reads $variable, which is not set" >&2
        exit 1
    fi
done
# The user is created in the first database, and the MOV authenticates against the second.
[ "$MONGO_INITDB_DATABASE" = "$MOV_DB_NAME" ]
touch /data/db/created
trap 'exit 0' TERM INT
sleep infinity &
wait
