#!/bin/sh
# Requires the variables that the real MOV requires.
set -eu
: "${RABBITMQ_HOST:?}" "${RABBITMQ_PORT:?}" "${RABBITMQ_USERNAME:?}" "${RABBITMQ_PASSWORD:?}"
: "${QUARKUS_MONGODB_HOSTS:?}" "${QUARKUS_MONGODB_DATABASE:?}"
: "${QUARKUS_MONGODB_CREDENTIALS_USERNAME:?}" "${QUARKUS_MONGODB_CREDENTIALS_PASSWORD:?}"
case ${MOV_URL:?} in http://*) ;; *) echo "MOV_URL is not an address: $MOV_URL" >&2; exit 1 ;; esac
exec mov_simulator
