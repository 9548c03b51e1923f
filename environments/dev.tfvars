# Development: an EKS cluster that pulls everything through ECR.
# Account, VPC, roles and names are made up: put in yours.

environment        = "dev"
cluster_name       = "dev"
platform           = "eks"
kubernetes_version = "1.33"
account_id         = "111122223333"
aws_region         = "us-east-1"

tags = {
  Project     = "ecr-pull-through"
  ManagedBy   = "terraform"
  Environment = "dev"
}

################################################################################
# Routes: docker.io/library/nginx becomes 111122223333.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library/nginx
################################################################################

pull_through_cache_rules = {
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    # Username and access token, stored with `orchestrator secret set dev docker-hub`.
    secret_name = "ecr-pullthroughcache/docker-hub"
    template    = { description = "Docker Hub images, made by ECR at the first pull" }
  }
  ecr-public = {
    upstream_registry_url = "public.ecr.aws"
    template              = { description = "ECR Public images, made by ECR at the first pull" }
  }
  quay = {
    upstream_registry_url = "quay.io"
    template              = { description = "Quay images, made by ECR at the first pull" }
  }
  k8s = {
    upstream_registry_url = "registry.k8s.io"
    template              = { description = "Kubernetes images, made by ECR at the first pull" }
  }
}

# ECR cannot pull through these: their images are copied by `orchestrator mirror`.
mirrors = {
  mcr = { source = "mcr.microsoft.com" }
}

# Prefixes without a template of their own.
root_template = { description = "Repositories made by ECR" }

registry_scanning = {
  scan_type = "BASIC"
  rules     = [{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["*"] }]
}

registry_account_settings = {
  BASIC_SCAN_TYPE_VERSION = "AWS_NATIVE"
  REGISTRY_POLICY_SCOPE   = "V2"
}

################################################################################
# Own images
################################################################################

create_ecr = true

repositories = {
  "dev/web"   = {}
  "dev/api"   = {}
  "dev/tools" = { lifecycle_keep_count = 5 }
}

# Nothing in development is worth keeping when its repository goes.
force_delete = true

################################################################################
# Network: pulls stay inside the VPC
################################################################################

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef1"
private_subnet_ids      = ["subnet-0123456789abcd101", "subnet-0123456789abcd102"]
vpc_cidr                = "10.20.0.0/16"
extra_vpc_endpoints     = ["s3", "sts", "logs"]
private_route_table_ids = ["rtb-0123456789abcd101"]

################################################################################
# Who pulls, who pushes
################################################################################

node_role_names              = ["dev-eks-node"]
fargate_execution_role_names = ["dev-eks-fargate"]

push_roles = {
  dev-ci-push = {
    repositories      = ["dev/web", "dev/api"]
    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/D0E0F0A1B2C3D4E5F60718293A4B5C6D"
    subjects          = ["system:serviceaccount:ci:builder"]
  }
  dev-tools-push = {
    repositories      = ["dev/tools"]
    oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/D0E0F0A1B2C3D4E5F60718293A4B5C6D"
    subjects          = ["system:serviceaccount:tools:*"]
  }
}

################################################################################
# Small caches: images that nobody pulled for a month expire, unless the cluster runs them
################################################################################

# Off here, so that plain Terraform plans this file as it stands: a function needs its package, which
# `orchestrator lambda package` builds (the orchestrator's own commands do so by themselves).
# When you enable it, add `dry_run_mode = true` and look at its report first.
lifecycle_manager = {
  enabled = false
  # Nothing expires before this cluster has written what it runs: `orchestrator manifests dev --for usage`.
  clusters = ["dev"]
  usage    = { pod_identity = true }

  retention = {
    expire_unpulled_days = 30
    keep_at_least        = 1
    protect              = { tags = ["*-lts"] }
    overrides = [
      { pattern = "docker-hub/library/*", keep_at_most = 5 },
      { pattern = "k8s/*", expire_unpulled_days = 90 },
    ]
  }
}

scan_findings = { enabled = false, severity = "CRITICAL" }

monitoring = { enabled = true }
