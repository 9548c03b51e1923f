################################################################################
# Where we are
################################################################################

data "aws_partition" "current" {
  lifecycle {
    postcondition {
      condition     = length(var.rules) == 0 || !(self.partition == "aws-cn" || startswith(self.partition, "aws-iso"))
      error_message = "Pull-through cache rules cannot be created in China or an isolated partition (${self.partition}). Mirror the images instead."
    }

    postcondition {
      condition     = self.partition != "aws-us-gov" || alltrue([for kind in values(local.kinds) : kind == "ecr"])
      error_message = "In GovCloud ECR pulls through from ECR registries of GovCloud only. Mirror the images instead of: ${join(", ", [for prefix, kind in local.kinds : prefix if kind != "ecr"])}."
    }
  }
}

data "aws_region" "current" {
  lifecycle {
    postcondition {
      condition     = alltrue([for rule in values(var.rules) : split(":", rule.credential_arn)[3] == self.name if rule.credential_arn != null])
      error_message = "ECR reads secrets of its own region, ${self.name}, only. credential_arn is of another region: ${join(", ", [for prefix, rule in var.rules : prefix if rule.credential_arn != null && try(split(":", rule.credential_arn)[3], "") != self.name])}."
    }
  }
}

locals {
  # As the provider (5.100) checks it. AWS also knows `__` and runs of `-`.
  prefix_pattern     = "^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$"
  secret_arn_pattern = "^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+$"

  # ECR's names of the upstreams, and their hosts.
  upstream_hosts = {
    "docker-hub"                = "registry-1\\.docker\\.io"
    "ecr-public"                = "public\\.ecr\\.aws"
    "k8s"                       = "registry\\.k8s\\.io"
    "quay"                      = "quay\\.io"
    "github-container-registry" = "ghcr\\.io"
    "gitlab-container-registry" = "registry\\.gitlab\\.com"
    "azure-container-registry"  = "[a-z0-9]+(-[a-z0-9]+)*\\.azurecr\\.io"
    "chainguard"                = "cgr\\.dev"
    "ecr"                       = "[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.(com|eu)"
  }
  kinds_without_secret    = ["ecr-public", "k8s", "quay", "ecr"]
  upstream_pattern        = "^(${join("|", values(local.upstream_hosts))})$"
  open_upstream_pattern   = "^(${join("|", [for kind in local.kinds_without_secret : local.upstream_hosts[kind]])})$"
  secret_upstream_pattern = "^(${join("|", [for kind, host in local.upstream_hosts : host if !contains(local.kinds_without_secret, kind)])})$"
  ecr_pattern             = "^${local.upstream_hosts["ecr"]}$"

  # {prefix: ECR's name of the upstream}
  kinds = {
    for prefix, rule in var.rules :
    prefix => one([for kind, host in local.upstream_hosts : kind if can(regex("^${host}$", rule.upstream_registry_url))])
  }

  # ECR reads ROOT for an upstream ECR's missing prefix, and the provider would replace the rule for ever.
  upstream_prefixes = {
    for prefix, rule in var.rules :
    prefix => try(coalesce(rule.upstream_repository_prefix, local.kinds[prefix] == "ecr" ? "ROOT" : null), null)
  }

  templates = { for prefix, rule in var.rules : prefix => rule.template if rule.template != null }
}

################################################################################
# Credentials
################################################################################

data "aws_secretsmanager_secret" "this" {
  for_each = { for prefix, rule in var.rules : prefix => rule.secret_name if rule.secret_name != null }

  name = each.value
}

################################################################################
# Repository creation templates
################################################################################

resource "aws_ecr_repository_creation_template" "this" {
  for_each = local.templates

  prefix               = each.key
  description          = each.value.description
  applied_for          = ["PULL_THROUGH_CACHE"]
  image_tag_mutability = each.value.image_tag_mutability
  custom_role_arn      = each.value.custom_role_arn
  resource_tags        = length(each.value.resource_tags) == 0 ? null : each.value.resource_tags

  # Written out for AES256 too. The provider takes a missing block for "as it is": a key could never be removed.
  encryption_configuration {
    encryption_type = each.value.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = each.value.kms_key_arn
  }

  repository_policy = length(each.value.pull_account_ids) == 0 ? null : jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CrossAccountPull"
      Effect    = "Allow"
      Principal = { AWS = [for account in sort(distinct(each.value.pull_account_ids)) : "arn:${data.aws_partition.current.partition}:iam::${account}:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }]
  })
}

################################################################################
# Rules
################################################################################

resource "aws_ecr_pull_through_cache_rule" "this" {
  for_each = var.rules

  ecr_repository_prefix      = each.key
  upstream_registry_url      = each.value.upstream_registry_url
  upstream_repository_prefix = local.upstream_prefixes[each.key]
  credential_arn             = each.value.secret_name == null ? each.value.credential_arn : data.aws_secretsmanager_secret.this[each.key].arn
  custom_role_arn            = each.value.custom_role_arn

  # A template applies only to repositories that are made after it: the first pull must find it.
  depends_on = [aws_ecr_repository_creation_template.this]
}
