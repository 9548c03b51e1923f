data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  registry_url = join(".", [
    data.aws_caller_identity.current.account_id, "dkr", "ecr", data.aws_region.current.name, data.aws_partition.current.dns_suffix,
  ])

  # Cluster names may have upper case letters, repositories' may not.
  default_name = var.repository_name != "" ? var.repository_name : "${lower(var.cluster_name)}-registry"

  declared = merge(var.create_repository ? { (local.default_name) = null } : {}, var.repositories)

  # Every setting of every repository: its own, else the module's.
  repositories = {
    for name, own in local.declared : name => {
      image_tag_mutability     = try(coalesce(own.image_tag_mutability), var.image_tag_mutability)
      scan_on_push             = try(coalesce(own.scan_on_push), var.scan_on_push)
      kms_key_arn              = try(coalesce(own.kms_key_arn), var.kms_key_arn)
      force_delete             = try(coalesce(own.force_delete), var.force_delete)
      lifecycle_policy_enabled = try(coalesce(own.lifecycle_policy_enabled), var.lifecycle_policy_enabled)
      lifecycle_policy         = try(coalesce(own.lifecycle_policy), var.lifecycle_policy)
      lifecycle_untagged_days  = try(coalesce(own.lifecycle_untagged_days), var.lifecycle_untagged_days)
      lifecycle_keep_count     = try(coalesce(own.lifecycle_keep_count), var.lifecycle_keep_count)
      pull_account_ids         = try(own.pull_account_ids != null, false) ? own.pull_account_ids : var.pull_account_ids
      tags                     = merge(var.tags, try(own.tags != null, false) ? own.tags : {})
    }
  }

  unprotected = { for name, settings in local.repositories : name => settings if !var.prevent_destroy && !var.protected_only }
  protected   = { for name, settings in local.repositories : name => settings if var.prevent_destroy }
  kept        = merge(local.unprotected, local.protected)

  # Both resources have the same keys and arguments. So a moved block between them neither replaces the
  # repository nor touches what hangs on it.
  managed = merge(aws_ecr_repository.this, aws_ecr_repository.protected)

  create_vpc_endpoints = var.create_vpc_endpoints && !var.protected_only
}

################################################################################
# Repositories
################################################################################

resource "aws_ecr_repository" "this" {
  for_each = local.unprotected

  name                 = each.key
  image_tag_mutability = each.value.image_tag_mutability
  force_delete         = each.value.force_delete

  image_scanning_configuration {
    scan_on_push = each.value.scan_on_push
  }

  encryption_configuration {
    encryption_type = each.value.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = each.value.kms_key_arn
  }

  tags = each.value.tags
}

# prevent_destroy takes no variable, hence a second resource.
resource "aws_ecr_repository" "protected" {
  for_each = local.protected

  name                 = each.key
  image_tag_mutability = each.value.image_tag_mutability
  force_delete         = each.value.force_delete

  image_scanning_configuration {
    scan_on_push = each.value.scan_on_push
  }

  encryption_configuration {
    encryption_type = each.value.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = each.value.kms_key_arn
  }

  tags = merge(each.value.tags, { Lifecycle = "external" })

  lifecycle {
    prevent_destroy = true
  }
}

################################################################################
# Lifecycle policies
################################################################################

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = { for name, settings in local.kept : name => settings if settings.lifecycle_policy_enabled }

  repository = local.managed[each.key].name

  policy = each.value.lifecycle_policy != null ? each.value.lifecycle_policy : jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Expire untagged images ${each.value.lifecycle_untagged_days} days after their push"
        selection = {
          tagStatus   = "untagged"
          countType   = "sinceImagePushed"
          countUnit   = "days"
          countNumber = each.value.lifecycle_untagged_days
        }
        action = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "Keep ${each.value.lifecycle_keep_count} images"
        selection = {
          tagStatus   = "any"
          countType   = "imageCountMoreThan"
          countNumber = each.value.lifecycle_keep_count
        }
        action = { type = "expire" }
      },
    ]
  })

  lifecycle {
    # A validation cannot refer to locals made from its own variable, hence a precondition.
    precondition {
      condition = length(local.policy_problems_by_repository[each.key]) == 0
      error_message = format(
        "ECR would refuse %s for repository \"%s\": it %s. Correct the policy; \"Lifecycle policy properties\" in the Amazon ECR user guide has the rules.",
        local.policy_origin[each.key], each.key, join("; it ", local.policy_problems_by_repository[each.key]),
      )
    }
  }
}

################################################################################
# Pulls from other accounts
################################################################################

resource "aws_ecr_repository_policy" "this" {
  for_each = { for name, settings in local.kept : name => settings if length(settings.pull_account_ids) > 0 }

  repository = local.managed[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "PullFromOtherAccounts"
      Effect = "Allow"
      Principal = {
        AWS = [
          for account in sort(distinct(each.value.pull_account_ids)) :
          "arn:${data.aws_partition.current.partition}:iam::${account}:root"
        ]
      }
      Action = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ]
    }]
  })
}

################################################################################
# VPC endpoints
################################################################################

module "vpc_endpoints" {
  source = "../vpc-endpoints"
  count  = local.create_vpc_endpoints ? 1 : 0

  name                        = var.cluster_name
  vpc_id                      = var.vpc_id
  private_subnet_ids          = var.private_subnet_ids
  vpc_cidr                    = var.vpc_cidr
  endpoint_security_group_ids = var.endpoint_security_group_ids

  # Builds in the cluster push, and mirroring tools look for and make repositories.
  allow_push = true
  additional_ecr_actions = [
    "ecr:CreateRepository",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
  ]

  tags = var.tags
}
