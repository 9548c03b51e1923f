# ROSA with hosted control planes and no way to the internet: all images come from ECR or not at all.
# `orchestrator docs zero-egress` is the way from here to running Pods.
# Account, VPC, roles and names are made up: put in yours.

environment  = "rosa-zero-egress"
cluster_name = "zero"
platform     = "rosa-hcp"
account_id   = "444455556666"
aws_region   = "us-west-2"

tags = {
  Project     = "ecr-pull-through"
  ManagedBy   = "terraform"
  Environment = "rosa-zero-egress"
}

################################################################################
# Routes
################################################################################

# No pull may fall back to its source. It also makes references with a digest go to ECR: warm them first with
# `orchestrator warm`, from a place that has a way out.
allow_upstream = false

pull_through_cache_rules = {
  quay = {
    upstream_registry_url = "quay.io"
  }
  k8s = {
    upstream_registry_url = "registry.k8s.io"
  }
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    secret_name           = "ecr-pullthroughcache/docker-hub"
  }
}

# Red Hat's own registries can only be copied: operators of other channels, third-party operators, base images.
mirrors = {
  redhat         = { source = "registry.redhat.io" }
  redhat-access  = { source = "registry.access.redhat.com" }
  redhat-connect = { source = "registry.connect.redhat.com" }
}

# Hosted control planes deny ImageDigestMirrorSets that users apply: read it as the list of mirrors, and use
# `orchestrator manifests rosa-zero-egress --for rosa` for the commands that create them.
generate_idms = true

################################################################################
# Own images
################################################################################

create_ecr          = true
ecr_prevent_destroy = true

################################################################################
# Network: without these endpoints nothing can be pulled
################################################################################

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef4"
private_subnet_ids      = ["subnet-0123456789abcd401", "subnet-0123456789abcd402", "subnet-0123456789abcd403"]
vpc_cidr                = "10.40.0.0/16"
extra_vpc_endpoints     = ["s3", "sts", "logs"]
private_route_table_ids = ["rtb-0123456789abcd401"]

################################################################################
# Who pulls: each machine pool through its own instance profile
################################################################################

machine_pools = {
  workers = { instance_profile = "rosa-service-managed-zero-workers" }
  build   = { instance_profile = "rosa-service-managed-zero-build" }
  # Runs nothing from ECR.
  edge = {
    instance_profile  = "rosa-service-managed-zero-edge"
    attach_ecr_policy = false
  }
}

################################################################################
# Small caches: an image that expired here cannot be pulled again from its source, so that little expires, and what does
# is archived. That saves nothing up to 150 TB (`orchestrator docs limits`), but `orchestrator lifecycle restore` brings it back.
################################################################################

lifecycle_manager = {
  enabled  = true
  clusters = ["zero"]
  usage = {
    oidc_provider_arn = "arn:aws:iam::444455556666:oidc-provider/rh-oidc.s3.us-east-1.amazonaws.com/3d4e5f60718293a4b5c6d7e8f90a1b2c"
    audience          = "openshift"
  }

  retention = {
    expire_unpulled_days = 180
    keep_at_least        = 5
    expire_action        = "archive"
  }
}

monitoring = { enabled = true }
