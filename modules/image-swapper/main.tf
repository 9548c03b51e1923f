data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # ARNs are put together here, and not taken from the resources: so the policies are known before anything is made.
  deletions_name = "${var.name}-deletions"
  deletions_arn  = "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${local.deletions_name}"
  rule_arn       = "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${local.deletions_name}"
}

################################################################################
# Copies: the queue, the table and the role that workers of mirror have, too
################################################################################

module "copies" {
  source = "../mirror-queue"

  account_id               = var.account_id
  name                     = var.name
  prefixes                 = var.prefixes
  repository_kms_key_arn   = var.repository_kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  workers                  = var.pods
  tags                     = var.tags
}

################################################################################
# Deletions: what ECR tells of, so that no replica believes in an image that is gone
################################################################################

# Nobody believes a message that is older than an hour: it needs no dead letters.
resource "aws_sqs_queue" "deletions" {
  name                       = local.deletions_name
  message_retention_seconds  = 3600
  visibility_timeout_seconds = 30
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  tags                       = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.deletions_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "EventsOfTheRule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.deletions_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "deletions" {
  name        = local.deletions_name
  description = "Images that were deleted in the registry, for the webhook's replicas"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.ecr"]
    "detail-type" = ["ECR Image Action"]
    detail = merge(
      { "action-type" = ["DELETE"], result = ["SUCCESS"] },
      length(var.prefixes) > 0 ? { "repository-name" = [for prefix in sort(distinct(var.prefixes)) : { prefix = "${prefix}/" }] } : {},
    )
  })
}

resource "aws_cloudwatch_event_target" "deletions" {
  rule      = aws_cloudwatch_event_rule.deletions.name
  target_id = "queue"
  arn       = aws_sqs_queue.deletions.arn
}

################################################################################
# What a replica may do besides
################################################################################

resource "aws_iam_role_policy" "deletions" {
  count = var.pods == null ? 0 : 1

  name   = "deletions"
  role   = module.copies.worker_role_name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

locals {
  repositories = "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository"
  copied       = [for prefix in sort(distinct(var.prefixes)) : "${local.repositories}/${prefix}/*"]

  statements = [
    for statement in [
      {
        Sid      = "Deletions"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
        Resource = [local.deletions_arn]
      },
      {
        Sid      = "AllRepositories"
        Effect   = "Allow"
        Action   = ["ecr:DescribeRepositories"]
        Resource = length(local.copied) > 0 ? ["${local.repositories}/*"] : [] # a list is of the whole registry
      },
      {
        Sid    = "RepositorySettings"
        Effect = "Allow"
        Action = concat(
          ["ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", "ecr:PutImageScanningConfiguration", "ecr:PutImageTagMutability"],
          var.lifecycle_policies ? ["ecr:GetLifecyclePolicy", "ecr:PutLifecyclePolicy"] : [],
        )
        Resource = local.copied
      },
      {
        Sid      = "FirstPulls"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:DescribeImages"]
        Resource = [for prefix in sort(distinct(var.first_pull_prefixes)) : prefix == "ROOT" ? "${local.repositories}/*" : "${local.repositories}/${prefix}/*"]
      },
    ] : statement if length(statement.Resource) > 0
  ]
}
