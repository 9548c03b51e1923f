#!/usr/bin/env bash
# Image mirrors of cluster zero. Needs the rosa CLI 1.2.56 or later, logged in, and jq.
set -euo pipefail

cluster=${1:-zero}
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

mirror docker.io/grafana 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/grafana
mirror docker.io/library 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library
mirror gcr.io/distroless 123456789012.dkr.ecr.us-east-1.amazonaws.com/gcr/distroless
mirror k8s.gcr.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/k8s
mirror quay.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/quay
mirror registry-1.docker.io/grafana 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/grafana
mirror registry-1.docker.io/library 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library
mirror registry.k8s.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/k8s

exit "$differing"
