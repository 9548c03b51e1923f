# One configuration that makes roles, keys, networks and secrets, and the modules that use them: nothing of `local.later` is
# known before it is applied. Each call leaves another input, or several that do not meet, unknown.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

locals {
  values = {
    account    = "444455556666"
    bucket     = "later-bucket"
    cidr       = "10.20.0.0/16"
    group      = "sg-0123456789abcdef0"
    issuer     = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A"
    key        = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    boundary   = "arn:aws:iam::111122223333:policy/boundary"
    role       = "later-role"
    role_arn   = "arn:aws:iam::111122223333:role/later-role"
    route      = "rtb-0123456789abcdef0"
    secret_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/later-AbCdEf"
    subnet     = "subnet-0123456789abcdef0"
    tag        = "later"
    topic      = "arn:aws:sns:eu-west-1:111122223333:later"
    vpc        = "vpc-0123456789abcdef0"
  }

  # {name: a string that is known after apply}, typed as a resource's attribute is
  later = { for name, made in terraform_data.later : name => tostring(made.output) }
}

resource "terraform_data" "later" {
  for_each = local.values

  input = each.value
}

################################################################################
# alarm-topic, function, lifecycle-manager, monitoring, scan-findings
################################################################################

module "alarm_topic" {
  source = "../modules/alarm-topic"

  account_id        = local.later.account
  name              = "alarms"
  alarm_arn_pattern = "arn:aws:cloudwatch:eu-west-1:${local.later.account}:alarm:*"
  kms_key_arn       = local.later.key
  emails            = ["a@example.com"]
  tags              = { made = local.later.tag }
}

module "function" {
  source = "../modules/function"

  account_id         = local.later.account
  name               = "tidy"
  component          = "lifecycle-manager"
  package            = "tests/package.zip"
  settings           = { permissions_boundary_arn = local.later.boundary }
  variables          = { BUCKET = local.later.bucket }
  resource_variables = { TOPIC_ARN = local.later.topic }
  statements         = [{ Sid = "Look", Action = ["s3:GetObject"], Resource = ["arn:aws:s3:::${local.later.bucket}/*"] }]
  events             = { pushed = { pattern = jsonencode({ account = [local.later.account] }) } }
  kms_key_arn        = local.later.key
  tags               = { made = local.later.tag }

  kms_key_admits_services = true
}

module "lifecycle_manager" {
  source = "../modules/lifecycle-manager"

  account_id   = local.later.account
  environment  = "dev"
  package      = "tests/package.zip"
  bucket_name  = local.later.bucket
  create_topic = false
  prefixes     = ["quay"]
  routes       = [{ prefix = "quay", source = "quay.io" }]
  tags         = { made = local.later.tag }

  settings = {
    kms_key_arn              = local.later.key
    kms_key_admits_services  = true
    permissions_boundary_arn = local.later.boundary
    snapshot_writers         = { far = local.later.role_arn }
    topic_arn                = local.later.topic
  }
  usage_role = { cluster = "dev", role_name = local.later.role, oidc_provider_arn = local.later.issuer }
}

module "monitoring" {
  source = "../modules/monitoring"

  environment    = "dev"
  create_topic   = false
  prefixes       = ["quay"]
  repositories   = [local.later.tag]
  function_names = [local.later.tag]
  settings       = { topic_arn = local.later.topic, pulls_alarm = 5 }
  tags           = { made = local.later.tag }
}

module "mirror_queue" {
  source = "../modules/mirror-queue"

  account_id               = local.later.account
  name                     = "ecr-mirror-later"
  repository_kms_key_arn   = local.later.key
  permissions_boundary_arn = local.later.boundary
  workers                  = { cluster = "later", pod_identity = true }
  tags                     = { made = local.later.tag }
}

module "image_swapper" {
  source = "../modules/image-swapper"

  account_id               = local.later.account
  name                     = "ecr-swapper-later"
  repository_kms_key_arn   = local.later.key
  permissions_boundary_arn = local.later.boundary
  pods                     = { cluster = "later", pod_identity = true }
  tags                     = { made = local.later.tag }
}

module "scan_findings" {
  source = "../modules/scan-findings"

  account_id   = local.later.account
  environment  = "dev"
  package      = "tests/package.zip"
  create_topic = false
  prefixes     = ["quay"]
  bucket_name  = local.later.bucket
  clusters     = [local.later.tag]
  settings     = { topic_arn = local.later.topic, permissions_boundary_arn = local.later.boundary }
  kms_key_arn  = local.later.key
  tags         = { made = local.later.tag }

  kms_key_admits_services = true
}

################################################################################
# ecr, mirror-set
################################################################################

module "ecr" {
  source = "../modules/ecr"

  cluster_name       = "later"
  create_repository  = true
  kms_key_arn        = local.later.key
  pull_account_ids   = [local.later.account]
  vpc_id             = local.later.vpc
  private_subnet_ids = [local.later.subnet]
  vpc_cidr           = local.later.cidr
  tags               = { made = local.later.tag }

  repositories = {
    "team/app" = { kms_key_arn = local.later.key, pull_account_ids = [local.later.account], tags = { made = local.later.tag } }
  }
}

module "ecr_with_groups" {
  source = "../modules/ecr"

  cluster_name                = "later"
  vpc_id                      = local.later.vpc
  private_subnet_ids          = [local.later.subnet]
  endpoint_security_group_ids = [local.later.group]
}

module "mirror_set" {
  source = "../modules/mirror-set"

  cluster_name             = "later"
  environment              = "dev"
  registry_host            = "${local.later.account}.dkr.ecr.eu-west-1.amazonaws.com"
  pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
}

################################################################################
# node-access, push-role
################################################################################

module "node_access" {
  source = "../modules/node-access"

  name                  = "later"
  node_roles            = { workers = local.later.role, fargate = "${local.later.role}-fargate" }
  registry              = { account_id = local.later.account, region = "eu-west-1" }
  other_registries      = [{ account_id = local.later.account, region = "eu-west-1" }]
  pull_through_prefixes = ["quay"]
  managed_policy_name   = "AmazonEC2ContainerRegistryReadOnly"
}

module "push_role" {
  source = "../modules/push-role"

  cluster_name        = local.later.tag
  registry_account_id = local.later.account
  tags                = { made = local.later.tag }

  push_roles = {
    ci = {
      repositories             = ["team/app"]
      oidc_provider_arn        = local.later.issuer
      subjects                 = ["system:serviceaccount:ci:builder"]
      permissions_boundary_arn = local.later.boundary
    }
    pods = {
      repositories = [local.later.tag]
      pod_identity = { namespace = "ci", service_account = "builder" }
    }
  }
}

################################################################################
# pull-through-cache, registry
################################################################################

module "pull_through_cache" {
  source = "../modules/pull-through-cache"

  account_id = local.later.account

  rules = {
    docker-hub = { upstream_registry_url = "registry-1.docker.io", credential_arn = local.later.secret_arn }
    # A name that is text around something unknown is no null: it may be unknown.
    ghcr = { upstream_registry_url = "ghcr.io", secret_name = "ecr-pullthroughcache/${local.later.tag}" }
    central = {
      upstream_registry_url = "444455556666.dkr.ecr.eu-west-1.amazonaws.com"
      custom_role_arn       = local.later.role_arn
    }
    quay = {
      upstream_registry_url = "quay.io"
      template = {
        kms_key_arn      = local.later.key
        custom_role_arn  = local.later.role_arn
        pull_account_ids = [local.later.account]
        resource_tags    = { made = local.later.tag }
      }
    }
  }
}

module "registry" {
  source = "../modules/registry"

  account_id           = local.later.account
  consumer_account_ids = [local.later.account]
  import_prefixes      = ["quay"]
  policy_statements = [
    { Sid = "Replicate", Effect = "Allow", Principal = { AWS = local.later.role_arn }, Action = ["ecr:ReplicateImage"], Resource = ["*"] },
  ]
  root_template = {
    kms_key_arn      = local.later.key
    custom_role_arn  = local.later.role_arn
    pull_account_ids = [local.later.account]
    resource_tags    = { made = local.later.tag }
  }
}

################################################################################
# vpc-endpoints
################################################################################

module "vpc_endpoints" {
  source = "../modules/vpc-endpoints"

  name                          = local.later.tag
  vpc_id                        = local.later.vpc
  private_subnet_ids            = [local.later.subnet]
  endpoint_security_group_ids   = [local.later.group]
  extra_endpoints               = ["s3"]
  private_route_table_ids       = [local.later.route]
  principal_account_ids         = [local.later.account]
  registry_account_ids          = [local.later.account]
  platform_registry_account_ids = [local.later.account]
  pull_account_ids              = [local.later.account]
  s3_bucket_names               = [local.later.bucket]
  sts_role_account_ids          = [local.later.account]
  tags                          = { made = local.later.tag }
}

module "vpc_endpoints_with_a_group" {
  source = "../modules/vpc-endpoints"

  name               = "later"
  vpc_id             = local.later.vpc
  private_subnet_ids = [local.later.subnet]
  vpc_cidr           = local.later.cidr
}
