# ROSA Classic: the workers of all clusters with one role prefix share an IAM role.
# Account, VPC, roles and names are made up: put in yours.

environment  = "rosa-classic"
cluster_name = "classic"
platform     = "rosa-classic"
account_id   = "333344445555"
aws_region   = "us-east-2"

tags = {
  Project     = "ecr-pull-through"
  ManagedBy   = "terraform"
  Environment = "rosa-classic"
}

################################################################################
# Routes
################################################################################

pull_through_cache_rules = {
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    secret_name           = "ecr-pullthroughcache/docker-hub"
  }
  ecr-public = { upstream_registry_url = "public.ecr.aws" }
  k8s        = { upstream_registry_url = "registry.k8s.io" }
  github = {
    upstream_registry_url = "ghcr.io"
    secret_name           = "ecr-pullthroughcache/github"
  }
}

# The platform's own images come from quay.io and Red Hat's registries. ROSA Classic refuses mirror sets of these, and
# nothing here redirects them.
exclude = ["quay.io", "registry.redhat.io", "registry.access.redhat.com"]

# For `oc apply`; the orchestrator writes it to generated/rosa-classic/idms.yaml.
generate_idms = true

################################################################################
# Own images
################################################################################

create_ecr = true

################################################################################
# Network
################################################################################

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef3"
private_subnet_ids      = ["subnet-0123456789abcd301"]
vpc_cidr                = "10.50.0.0/16"
extra_vpc_endpoints     = ["s3"]
private_route_table_ids = ["rtb-0123456789abcd301"]

################################################################################
# Who pulls, who pushes
################################################################################

# The workers run as ManagedOpenShift-Worker-Role.
worker_role_prefix = "ManagedOpenShift"

push_roles = {
  classic-pipeline-push = {
    repositories      = ["classic-registry"]
    oidc_provider_arn = "arn:aws:iam::333344445555:oidc-provider/rh-oidc.s3.us-east-1.amazonaws.com/2c3d4e5f60718293a4b5c6d7e8f90a1b"
    subjects          = ["system:serviceaccount:classic-pipelines:*"]
    audiences         = ["openshift"]
  }
}

################################################################################
# Small caches
################################################################################

lifecycle_manager = {
  enabled  = true
  clusters = ["classic"]
  usage = {
    oidc_provider_arn = "arn:aws:iam::333344445555:oidc-provider/rh-oidc.s3.us-east-1.amazonaws.com/2c3d4e5f60718293a4b5c6d7e8f90a1b"
    audience          = "openshift"
  }
}

monitoring = { enabled = true }
