# The root module of every environment: plain wiring. `orchestrator` runs it with the environment's variables, and so does
#
#   terraform -chdir=environments workspace select -or-create dev
#   terraform -chdir=environments plan -var-file=common.tfvars -var-file=dev.tfvars

provider "aws" {
  region              = var.aws_region
  profile             = var.aws_profile
  allowed_account_ids = [var.account_id]

  dynamic "assume_role" {
    for_each = var.assume_role_arn == null ? [] : [var.assume_role_arn]

    content {
      role_arn     = assume_role.value
      session_name = "orchestrator"
    }
  }
}

data "aws_partition" "current" {}

locals {
  environment = coalesce(var.environment, terraform.workspace)

  registry = {
    account_id = coalesce(var.registry_account_id, var.account_id)
    region     = coalesce(var.registry_region, var.aws_region)
  }
  own_registry      = { account_id = var.account_id, region = var.aws_region }
  uses_own_registry = local.registry == local.own_registry
  owns_registry     = var.manage_registry && local.uses_own_registry
  registry_host     = "${local.registry.account_id}.dkr.ecr.${local.registry.region}.${data.aws_partition.current.dns_suffix}"

  # What is not protected disappears with `protected_only`.
  rest = !var.protected_only

  # ECR applies one template to a prefix. Where other accounts pull, each repository that ECR makes must let them, so that
  # every rule has a template; what the rule ROOT lacks, `root_template` gives.
  rules = {
    for prefix, rule in var.pull_through_cache_rules : prefix => merge(rule, {
      template = rule.template == null && (length(var.registry_consumer_account_ids) == 0 || (prefix == "ROOT" && var.root_template != null)) ? null : merge(
        {
          description          = null
          image_tag_mutability = "MUTABLE"
          kms_key_arn          = null
          custom_role_arn      = null
          resource_tags        = {}
        },
        rule.template,
        { pull_account_ids = distinct(concat(try(rule.template.pull_account_ids, []), var.registry_consumer_account_ids)) },
      )
    })
  }
}

################################################################################
# Registry: one owner in each account and region
################################################################################

module "registry" {
  source = "../modules/registry"
  count  = local.owns_registry && local.rest ? 1 : 0

  account_id           = var.account_id
  consumer_account_ids = var.registry_consumer_account_ids
  import_prefixes      = keys(var.pull_through_cache_rules)
  root_template        = var.root_template == null ? null : merge(var.root_template, { pull_account_ids = var.registry_consumer_account_ids })
  scanning             = var.registry_scanning
  account_settings     = var.registry_account_settings
}

module "pull_through_cache" {
  source = "../modules/pull-through-cache"
  count  = local.owns_registry && local.rest ? 1 : 0

  account_id = var.account_id
  rules      = local.rules
}

################################################################################
# Own repositories
################################################################################

module "ecr" {
  source = "../modules/ecr"

  cluster_name             = var.cluster_name
  create_repository        = var.create_ecr
  repository_name          = var.ecr_repository_name
  repositories             = var.repositories
  prevent_destroy          = var.ecr_prevent_destroy
  protected_only           = var.protected_only
  image_tag_mutability     = var.image_tag_mutability
  scan_on_push             = var.scan_on_push
  kms_key_arn              = var.kms_key_arn
  force_delete             = var.force_delete
  lifecycle_policy_enabled = var.lifecycle_policy_enabled
  lifecycle_untagged_days  = var.lifecycle_untagged_days
  lifecycle_keep_count     = var.lifecycle_keep_count
  pull_account_ids         = var.pull_account_ids
  create_vpc_endpoints     = false
  tags                     = var.tags
}

################################################################################
# Network
################################################################################

module "vpc_endpoints" {
  source = "../modules/vpc-endpoints"
  count  = var.create_vpc_endpoints && local.rest ? 1 : 0

  name                        = var.cluster_name
  vpc_id                      = var.vpc_id
  private_subnet_ids          = var.private_subnet_ids
  vpc_cidr                    = var.vpc_cidr
  endpoint_security_group_ids = var.endpoint_security_group_ids
  private_route_table_ids     = var.private_route_table_ids
  extra_endpoints             = var.extra_vpc_endpoints
  registry_account_ids        = distinct([var.account_id, local.registry.account_id])
  allow_import                = length(var.pull_through_cache_rules) > 0
  allow_push                  = length(var.push_roles) > 0 || length(var.mirrors) > 0
  tags                        = var.tags

  # EKS takes its add-ons from a registry of AWS's, hosted control planes their release images from one of Red Hat's.
  platform_registry_account_ids = { eks = null, rosa-classic = [], rosa-hcp = ["*"] }[var.platform]
}

################################################################################
# Who pulls and who pushes
################################################################################

module "node_access" {
  source = "../modules/node-access"
  count  = var.attach_ecr_policy && local.rest ? 1 : 0

  name                         = var.cluster_name
  node_role_names              = var.node_role_names
  fargate_execution_role_names = var.fargate_execution_role_names
  worker_role_prefix           = var.worker_role_prefix
  machine_pools                = var.machine_pools
  registry                     = local.registry
  other_registries             = [local.own_registry]
  pull_through_prefixes        = keys(var.pull_through_cache_rules)

  # On ROSA nothing else gives the workers a pull policy. On EKS eksctl or the EKS module does, and a detach here would
  # take it away there.
  managed_policy_name = startswith(var.platform, "rosa-") ? "AmazonEC2ContainerRegistryReadOnly" : null
}

module "push_role" {
  source = "../modules/push-role"
  count  = length(var.push_roles) > 0 && local.rest ? 1 : 0

  push_roles   = var.push_roles
  cluster_name = var.cluster_name
  tags         = var.tags
}
