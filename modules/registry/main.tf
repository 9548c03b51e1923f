data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  registry_url   = "${var.account_id}.dkr.ecr.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
  repository_arn = "arn:${data.aws_partition.current.partition}:ecr:${data.aws_region.current.name}:${var.account_id}:repository"

  consumer_arns = [for account in sort(distinct(var.consumer_account_ids)) : "arn:${data.aws_partition.current.partition}:iam::${account}:root"]
  import_arns = contains(var.import_prefixes, "ROOT") ? ["${local.repository_arn}/*"] : [
    for prefix in sort(distinct(var.import_prefixes)) : "${local.repository_arn}/${prefix}/*"
  ]
  # Repositories that belong to neither are nobody's business there.
  pull_arns = contains(var.import_prefixes, "ROOT") ? local.import_arns : [
    for prefix in sort(distinct(concat(var.import_prefixes, var.mirror_prefixes))) : "${local.repository_arn}/${prefix}/*"
  ]
  pull_actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

  # Scope V2, AWS's default, lets a registry policy grant every ECR action. V1 knows imports only. There each repository's
  # policy must grant the pull; creation templates give it to ECR's repositories.
  # V1 knows imports only. Without a word, AWS's default for new registries.
  scope = coalesce(lookup(var.account_settings, "REGISTRY_POLICY_SCOPE", null), var.others.registry_policy_scope, "V2")

  own_statements = concat(
    length(var.consumer_account_ids) > 0 && length(var.import_prefixes) > 0 ? [{
      Sid       = "ConsumersImport"
      Effect    = "Allow"
      Principal = { AWS = local.consumer_arns }
      Action    = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
      Resource  = local.import_arns
    }] : [],
    length(var.consumer_account_ids) > 0 && length(concat(var.import_prefixes, var.mirror_prefixes)) > 0 && local.scope == "V2" ? [{
      Sid       = "ConsumersPull"
      Effect    = "Allow"
      Principal = { AWS = local.consumer_arns }
      Action    = local.pull_actions
      Resource  = local.pull_arns
    }] : [],
    var.policy_statements,
  )

  # The policy is one document: what others wrote stays in it. What they wrote in our words is theirs.
  other_statements = jsondecode(var.others.registry_policy_statements)
  other_sids       = [for statement in local.other_statements : try(statement.Sid, "")]
  made_statements  = [for statement in local.own_statements : statement if !contains(local.other_sids, try(statement.Sid, null))]

  # So are the scanning rules: {frequency: patterns}.
  other_patterns = { for rule in var.others.scanning_rules : rule.scan_frequency => rule.repository_patterns... }
  own_patterns   = { for rule in try(var.scanning.rules, []) : rule.scan_frequency => rule.repository_patterns... }
  patterns = {
    for frequency in distinct(concat(keys(local.other_patterns), keys(local.own_patterns))) :
    frequency => distinct(concat(flatten(lookup(local.other_patterns, frequency, [])), flatten(lookup(local.own_patterns, frequency, []))))
  }
  made_rules = [
    for frequency, patterns in local.own_patterns : {
      scan_frequency      = frequency
      repository_patterns = [for pattern in flatten(patterns) : pattern if !contains(flatten(lookup(local.other_patterns, frequency, [])), pattern)]
    }
  ]
}

################################################################################
# Account settings
################################################################################

resource "aws_ecr_account_setting" "this" {
  for_each = var.account_settings

  name  = each.key
  value = each.value
}

################################################################################
# Registry policy
################################################################################

resource "aws_ecr_registry_policy" "this" {
  count = length(local.own_statements) > 0 ? 1 : 0

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.other_statements, local.made_statements)
  })

  # The scope decides which actions a policy may hold.
  depends_on = [aws_ecr_account_setting.this]
}

################################################################################
# Repository creation template for whatever has none of its own
################################################################################

resource "aws_ecr_repository_creation_template" "root" {
  count = var.root_template == null ? 0 : 1

  prefix               = "ROOT"
  description          = var.root_template.description
  applied_for          = ["PULL_THROUGH_CACHE"]
  image_tag_mutability = var.root_template.image_tag_mutability
  custom_role_arn      = var.root_template.custom_role_arn
  resource_tags        = length(var.root_template.resource_tags) == 0 ? null : var.root_template.resource_tags

  # Written out for AES256 too. The provider takes a missing block for "as it is": a key could never be removed.
  encryption_configuration {
    encryption_type = var.root_template.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.root_template.kms_key_arn
  }

  repository_policy = length(var.root_template.pull_account_ids) == 0 ? null : jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CrossAccountPull"
      Effect    = "Allow"
      Principal = { AWS = [for account in sort(distinct(var.root_template.pull_account_ids)) : "arn:${data.aws_partition.current.partition}:iam::${account}:root"] }
      Action    = local.pull_actions
    }]
  })
}

################################################################################
# Scanning
################################################################################

resource "aws_ecr_registry_scanning_configuration" "this" {
  count = var.scanning == null ? 0 : 1

  scan_type = var.scanning.scan_type

  dynamic "rule" {
    for_each = local.patterns

    content {
      scan_frequency = rule.key

      dynamic "repository_filter" {
        for_each = toset(rule.value)

        content {
          filter      = repository_filter.value
          filter_type = "WILDCARD"
        }
      }
    }
  }

  # The way of basic scanning is an account setting.
  depends_on = [aws_ecr_account_setting.this]
}
