#!/usr/bin/env bash
# Image mirrors of cluster gov. Needs the rosa CLI 1.2.56 or later, logged in, and jq.
set -euo pipefail

cluster=${1:-gov}
existing=$(rosa list image-mirrors --cluster "$cluster" --output json)
differing=0

mirror() {
  local mirrors
  mirrors=$(jq -r --arg source "$1" '[.[]? | select(.source == $source) | .mirrors[]] | join(",")' <<<"$existing")
  case "$mirrors" in
    "$2") echo "exists: $1" ;;
    "") rosa create image-mirror --cluster "$cluster" --type digest --source "$1" --mirrors "$2" ;;
    *) echo "differs: $1 has $mirrors, not $2; delete it and run this again" >&2 && differing=1 ;;
  esac
}

mirror docker.io 444455556666.dkr.ecr.us-gov-west-1.amazonaws.com/docker-hub
mirror docker.io/library 444455556666.dkr.ecr.us-gov-west-1.amazonaws.com/official/library
mirror registry-1.docker.io 444455556666.dkr.ecr.us-gov-west-1.amazonaws.com/docker-hub
mirror registry-1.docker.io/library 444455556666.dkr.ecr.us-gov-west-1.amazonaws.com/official/library

exit "$differing"
