# Production: an EKS cluster in an account of its own. Repositories are protected, tags immutable, everything encrypted
# with a key of the account. Account, VPC, roles, keys and names are made up: put in yours.

environment        = "prod"
cluster_name       = "prod"
platform           = "eks"
kubernetes_version = "1.33"
account_id         = "222233334444"
aws_region         = "us-east-1"

tags = {
  Project     = "ecr-pull-through"
  ManagedBy   = "terraform"
  Environment = "prod"
}

# State in S3, locked by a file beside it. `orchestrator init prod --state-bucket ...` makes the bucket.
state = {
  bucket      = "example-prod-terraform-state"
  kms_key_arn = "arn:aws:kms:us-east-1:222233334444:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
}

################################################################################
# Routes
################################################################################

pull_through_cache_rules = {
  docker-hub = {
    upstream_registry_url = "registry-1.docker.io"
    secret_name           = "ecr-pullthroughcache/docker-hub"
    # Cached tags stay MUTABLE: ECR refreshes only those. A key needs a role that ECR makes the repository with.
    template = {
      description     = "Docker Hub images, made by ECR at the first pull"
      kms_key_arn     = "arn:aws:kms:us-east-1:222233334444:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
      custom_role_arn = "arn:aws:iam::222233334444:role/ecr-repository-creation"
      resource_tags   = { Environment = "prod" }
    }
  }
  ecr-public = { upstream_registry_url = "public.ecr.aws" }
  quay       = { upstream_registry_url = "quay.io" }
  k8s        = { upstream_registry_url = "registry.k8s.io" }
  github = {
    upstream_registry_url = "ghcr.io"
    secret_name           = "ecr-pullthroughcache/github"
  }
}

mirrors = {
  mcr = { source = "mcr.microsoft.com" }
}

registry_scanning = {
  scan_type = "ENHANCED"
  rules = [
    { scan_frequency = "CONTINUOUS_SCAN", repository_patterns = ["prod/*"] },
    { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["*"] },
  ]
}

# Pods are refused while the policy cannot answer, instead of pulled from elsewhere.
failure_policy = "Fail"

################################################################################
# Own images
################################################################################

create_ecr           = true
ecr_repository_name  = "prod/platform"
ecr_prevent_destroy  = true
image_tag_mutability = "IMMUTABLE"
kms_key_arn          = "arn:aws:kms:us-east-1:222233334444:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
lifecycle_keep_count = 100

repositories = {
  "prod/web" = {}
  "prod/api" = {}
}

################################################################################
# Network
################################################################################

create_vpc_endpoints    = true
vpc_id                  = "vpc-0123456789abcdef2"
private_subnet_ids      = ["subnet-0123456789abcd201", "subnet-0123456789abcd202", "subnet-0123456789abcd203"]
vpc_cidr                = "10.30.0.0/16"
extra_vpc_endpoints     = ["s3", "sts", "logs"]
private_route_table_ids = ["rtb-0123456789abcd201"]

################################################################################
# Who pulls, who pushes
################################################################################

node_role_names = ["prod-eks-node"]

push_roles = {
  prod-release-push = {
    repositories      = ["prod/web", "prod/api", "prod/platform"]
    oidc_provider_arn = "arn:aws:iam::222233334444:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/2B3C4D5E6F708192A3B4C5D6E7F80912"
    subjects          = ["system:serviceaccount:release:publisher"]
  }
}

################################################################################
# Small caches: images that nobody pulled for a month expire, unless the cluster runs them
################################################################################

lifecycle_manager = {
  enabled = true
  # Nothing expires before this cluster has written what it runs: `orchestrator manifests prod --for usage`.
  clusters = ["prod"]
  usage = {
    oidc_provider_arn = "arn:aws:iam::222233334444:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/2B3C4D5E6F708192A3B4C5D6E7F80912"
  }
  kms_key_arn = "arn:aws:kms:us-east-1:222233334444:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
  emails      = ["platform@example.com"]

  # Untagged images go by ECR's own rules within a day.
  native_policy                  = "untagged"
  max_expire_fraction_repository = 0.3

  retention = {
    expire_unpulled_days = 60
    keep_at_least        = 3
    untagged_days        = 14
  }
}

scan_findings = {
  enabled = true
  emails  = ["security@example.com"]
}

monitoring = {
  enabled           = true
  storage_alarm_gib = 500
  emails            = ["platform@example.com"]
}
