#!/usr/bin/env bash
# Image mirrors of cluster rooted. Needs the rosa CLI 1.2.56 or later, logged in, and jq.
set -euo pipefail

cluster=${1:-rooted}
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

mirror docker.io 121212121212.dkr.ecr.ap-southeast-2.amazonaws.com
mirror k8s.gcr.io 121212121212.dkr.ecr.ap-southeast-2.amazonaws.com/k8s
mirror registry-1.docker.io 121212121212.dkr.ecr.ap-southeast-2.amazonaws.com
mirror registry.k8s.io 121212121212.dkr.ecr.ap-southeast-2.amazonaws.com/k8s

exit "$differing"
