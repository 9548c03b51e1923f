# AWS GovCloud: ECR has no pull-through cache rules there, so that every image is copied.
# Account, VPC, roles and names are made up: put in yours.

environment        = "govcloud"
cluster_name       = "gov"
platform           = "eks"
kubernetes_version = "1.33"
account_id         = "555566667777"
aws_region         = "us-gov-west-1"

tags = {
  Project     = "ecr-pull-through"
  ManagedBy   = "terraform"
  Environment = "govcloud"
}

################################################################################
# Routes: mirrors only, filled by `orchestrator mirror govcloud`
################################################################################

mirrors = {
  docker-hub = { source = "docker.io" }
  ecr-public = { source = "public.ecr.aws" }
  quay       = { source = "quay.io" }
  k8s        = { source = "registry.k8s.io" }
  github     = { source = "ghcr.io" }
}

################################################################################
# Own images
################################################################################

create_ecr          = true
ecr_prevent_destroy = true

################################################################################
# Network
################################################################################

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef5"
private_subnet_ids      = ["subnet-0123456789abcd501", "subnet-0123456789abcd502"]
vpc_cidr                = "10.60.0.0/16"
extra_vpc_endpoints     = ["s3", "sts"]
private_route_table_ids = ["rtb-0123456789abcd501"]

################################################################################
# Who pulls
################################################################################

node_role_names = ["gov-eks-node"]

################################################################################
# Monitoring; there are no pull-through caches that a lifecycle manager could keep small
################################################################################

monitoring = { enabled = true }
