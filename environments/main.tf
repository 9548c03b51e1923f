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
      role_arn = assume_role.value
      # It also ties the check of var.environment to the provider: a destroy that refreshes nothing would skip it.
      session_name = substr("orchestrator-${local.environment}", 0, 64)
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

  # ECR applies one template to a prefix. Where other accounts pull, each repository that ECR makes must
  # let them: every rule has a template then. `root_template` gives what the rule ROOT lacks.
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
  mirror_prefixes      = keys(var.mirrors)
  root_template        = var.root_template == null ? null : merge(var.root_template, { pull_account_ids = var.registry_consumer_account_ids })
  scanning             = var.registry_scanning
  account_settings     = var.registry_account_settings
  policy_statements    = var.registry_policy_statements
  others               = var.others
}

module "pull_through_cache" {
  source = "../modules/pull-through-cache"
  count  = local.owns_registry && local.rest ? 1 : 0

  account_id = var.account_id
  rules      = local.rules
}

################################################################################
# Mirror set: the same as `orchestrator manifests --for idms` makes
################################################################################

module "mirror_set" {
  source = "../modules/mirror-set"

  cluster_name             = var.cluster_name
  environment              = local.environment
  platform                 = var.platform
  registry_host            = local.registry_host
  pull_through_cache_rules = var.pull_through_cache_rules
  mirrors                  = var.mirrors
  include                  = var.include
  exclude                  = var.exclude
  allow_upstream           = var.allow_upstream
  digest_references        = var.digest_references
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
  lifecycle_policy         = var.lifecycle_policy
  lifecycle_untagged_days  = var.lifecycle_untagged_days
  lifecycle_keep_count     = var.lifecycle_keep_count
  pull_account_ids         = var.pull_account_ids
  create_vpc_endpoints     = false
  tags                     = var.tags
}

################################################################################
# Network
################################################################################

locals {
  # ECR registries of the region that the routes name: what is left at its source must pass the endpoints, too.
  named_registry_accounts = distinct(flatten([
    for source in concat(
      [for rule in values(var.pull_through_cache_rules) : rule.upstream_registry_url],
      [for mirror in values(var.mirrors) : mirror.source],
      var.include, var.exclude,
    ) : flatten(regexall("^([0-9]{12})\\.dkr[.-]ecr(?:-fips)?\\.${var.aws_region}\\.", source))
  ]))
}

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
  pull_account_ids            = distinct(concat(var.endpoint_registry_account_ids, local.named_registry_accounts))
  s3_bucket_names             = var.endpoint_s3_bucket_names
  public_layer_buckets        = var.allow_upstream
  allow_import                = length(var.pull_through_cache_rules) > 0
  allow_push                  = length(var.push_roles) > 0 || length(var.mirrors) > 0
  tags                        = var.tags

  # The cluster writes what it runs. A bucket of another region is not reached through the endpoint.
  s3_put_objects = local.registry.region == var.aws_region ? compact(module.lifecycle_manager[*].snapshot_object) : []

  # EKS's add-ons and Bottlerocket's host containers come from registries of AWS's, release images of hosted control planes from Red Hat's.
  platform_registry_account_ids = lookup({ rosa-classic = [], rosa-hcp = ["*"] }, var.platform, null)
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
  managed_policy_name = coalesce(var.attach_managed_policy, startswith(var.platform, "rosa-")) ? "AmazonEC2ContainerRegistryReadOnly" : null
  attached_elsewhere  = try(var.others.attached_roles, [])
}

module "push_role" {
  source = "../modules/push-role"
  count  = length(var.push_roles) > 0 && local.rest ? 1 : 0

  push_roles   = var.push_roles
  cluster_name = var.cluster_name
  tags         = var.tags
}

################################################################################
# Workers that copy
################################################################################

locals {
  queue_wholes = {
    mirror_queue  = "ecr-mirror-${replace(local.environment, ".", "-")}"
    image_swapper = "ecr-swapper-${replace(local.environment, ".", "-")}"
  }
  # SQS, DynamoDB and IAM know no dots. A longer name is cut and ends in a hash of the whole.
  queue_names = {
    for setting, whole in local.queue_wholes : setting => length(whole) <= 40 ? whole : join("-", [substr(whole, 0, 31), substr(sha256(whole), 0, 8)])
  }
}

module "mirror_queue" {
  source = "../modules/mirror-queue"
  count  = try(var.mirror_queue.enabled, false) && local.uses_own_registry && local.rest ? 1 : 0

  account_id               = var.account_id
  name                     = coalesce(try(var.mirror_queue.name, null), local.queue_names.mirror_queue)
  prefixes                 = keys(var.mirrors)
  repository_kms_key_arn   = var.kms_key_arn
  permissions_boundary_arn = var.mirror_queue.permissions_boundary_arn
  tags                     = var.tags

  workers = var.mirror_queue.workers == null ? null : merge(var.mirror_queue.workers, { cluster = var.cluster_name })
}

################################################################################
# The webhook's replicas
################################################################################

module "image_swapper" {
  source = "../modules/image-swapper"
  count  = try(var.image_swapper.enabled, false) && local.uses_own_registry && local.rest ? 1 : 0

  account_id               = var.account_id
  name                     = coalesce(try(var.image_swapper.name, null), local.queue_names.image_swapper)
  prefixes                 = keys(var.mirrors)
  repository_kms_key_arn   = var.kms_key_arn
  permissions_boundary_arn = var.image_swapper.permissions_boundary_arn
  lifecycle_policies       = var.image_swapper.lifecycle_policies
  first_pull_prefixes      = var.image_swapper.first_pulls ? keys(var.pull_through_cache_rules) : []
  tags                     = var.tags

  pods = var.image_swapper.pods == null ? null : merge(var.image_swapper.pods, { cluster = var.cluster_name })
}

################################################################################
# Lifecycle manager, scan findings, monitoring
################################################################################

locals {
  # Null is what nobody wrote, as None is in the orchestrator's model: hence `try`.
  manager       = try(var.lifecycle_manager.enabled, false) && local.owns_registry && local.rest
  scan_findings = try(var.scan_findings.enabled, false) && local.owns_registry && local.rest
  usage         = try(var.lifecycle_manager.usage, null)
  # The bucket holds the clusters' snapshots, which scan findings read too. Resources that are to be kept stay after
  # a destroy as well.
  records        = local.manager || local.scan_findings || local.kept_records
  kept_records   = try(var.lifecycle_manager.keep_records, false) && local.owns_registry
  records_bucket = coalesce(try(var.lifecycle_manager.bucket_name, null), "ecr-lifecycle-${local.registry.account_id}-${local.registry.region}")
  scan_type      = try(var.registry_scanning.scan_type, "BASIC")

  # Repositories that this environment makes are no cache, whatever their names.
  own_names = distinct(concat(
    var.create_ecr ? [coalesce(var.ecr_repository_name, "${lower(var.cluster_name)}-registry")] : [],
    keys(var.repositories),
  ))
  own_below_caches = [
    for name in local.own_names : name
    if anytrue([for prefix in keys(var.pull_through_cache_rules) : prefix == "ROOT" || startswith(name, "${prefix}/")])
  ]

  # "" is the prefix of ROOT.
  cache_routes = [
    for prefix, upstream in module.mirror_set.upstream_names : { prefix = prefix == "ROOT" ? "" : prefix, source = upstream }
  ]
}

module "lifecycle_manager" {
  source = "../modules/lifecycle-manager"
  count  = local.records || (local.usage != null && local.rest) ? 1 : 0

  account_id      = var.account_id
  environment     = local.environment
  create_function = local.manager
  create_bucket   = local.records
  bucket_name     = local.records_bucket
  package         = coalesce(try(var.lambda_packages.lifecycle_manager, null), "../build/lifecycle_manager.zip")
  settings        = var.lifecycle_manager

  dry_run          = var.dry_run_mode
  prefixes         = keys(var.pull_through_cache_rules)
  routes           = local.cache_routes
  own_repositories = local.own_below_caches
  inspector        = local.scan_type == "ENHANCED"
  usage_role       = local.usage == null || !local.rest ? null : merge(local.usage, { cluster = var.cluster_name })
  tags             = var.tags
}

module "scan_findings" {
  source = "../modules/scan-findings"
  count  = local.scan_findings ? 1 : 0

  account_id  = var.account_id
  environment = local.environment
  package     = coalesce(try(var.lambda_packages.scan_findings, null), "../build/scan_findings.zip")
  settings    = var.scan_findings

  scan_type   = local.scan_type
  prefixes    = keys(var.pull_through_cache_rules)
  routes      = local.cache_routes
  bucket_name = module.lifecycle_manager[0].bucket_name
  clusters    = try(var.lifecycle_manager.clusters, null)

  kms_key_arn             = try(var.lifecycle_manager.kms_key_arn, null)
  kms_key_admits_services = try(var.lifecycle_manager.kms_key_admits_services, null)
  tags                    = var.tags
}

module "monitoring" {
  source = "../modules/monitoring"
  count  = try(var.monitoring.enabled, false) && local.rest ? 1 : 0

  environment    = local.environment
  settings       = var.monitoring
  prefixes       = concat(keys(var.pull_through_cache_rules), keys(var.mirrors))
  repositories   = keys(module.ecr.repositories)
  function_names = compact(concat(module.lifecycle_manager[*].function_name, module.scan_findings[*].function_name))
  tags           = var.tags
}
