#!/usr/bin/env bash
# Image mirrors of cluster standard. Needs the rosa CLI 1.2.56 or later, logged in, and jq.
set -euo pipefail

cluster=${1:-standard}
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

mirror 210987654321.dkr.ecr.eu-west-1.amazonaws.com 123456789012.dkr.ecr.us-east-1.amazonaws.com/shared
mirror 333333333333.dkr.ecr.us-east-1.amazonaws.com/platform 123456789012.dkr.ecr.us-east-1.amazonaws.com/team
mirror cgr.dev 123456789012.dkr.ecr.us-east-1.amazonaws.com/chainguard
mirror contoso.azurecr.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/azure
mirror docker.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub
mirror docker.io/bitnami 123456789012.dkr.ecr.us-east-1.amazonaws.com/hub/bitnami/bitnami
mirror ecr-public.aws.com 123456789012.dkr.ecr.us-east-1.amazonaws.com/ecr-public
mirror gcr.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/gcr
mirror ghcr.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/ghcr
mirror ghcr.io/acme/public 123456789012.dkr.ecr.us-east-1.amazonaws.com/acme-public/acme/public
mirror k8s.gcr.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/k8s
mirror localhost:5000 123456789012.dkr.ecr.us-east-1.amazonaws.com/loopback
mirror mcr.microsoft.com 123456789012.dkr.ecr.us-east-1.amazonaws.com/mcr
mirror nvcr.io/nvidia 123456789012.dkr.ecr.us-east-1.amazonaws.com/nvidia/nvidia
mirror public.ecr.aws 123456789012.dkr.ecr.us-east-1.amazonaws.com/ecr-public
mirror quay.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/quay
mirror registry-1.docker.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub
mirror registry-1.docker.io/bitnami 123456789012.dkr.ecr.us-east-1.amazonaws.com/hub/bitnami/bitnami
mirror registry.access.redhat.com 123456789012.dkr.ecr.us-east-1.amazonaws.com/redhat
mirror registry.example.com:5000 123456789012.dkr.ecr.us-east-1.amazonaws.com/onprem
mirror registry.gitlab.com 123456789012.dkr.ecr.us-east-1.amazonaws.com/gitlab
mirror registry.k8s.io 123456789012.dkr.ecr.us-east-1.amazonaws.com/k8s

exit "$differing"
