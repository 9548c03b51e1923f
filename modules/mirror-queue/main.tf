data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # ARNs are put together here, and not taken from the resources: so the policies are known before anything is made.
  queue_arn = "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${var.name}"
  dead_arn  = "${local.queue_arn}-dead-letters"
  table_arn = "arn:${local.partition}:dynamodb:${local.region}:${var.account_id}:table/${var.name}"

  workers = var.workers == null ? {} : { this = var.workers }
  issuers = {
    for key, workers in local.workers : key => split(":oidc-provider/", workers.oidc_provider_arn)[1] if workers.oidc_provider_arn != null
  }

  irsa_trust = {
    for key, issuer in local.issuers : key => {
      Sid       = "OneServiceAccountOfTheIssuer"
      Effect    = "Allow"
      Principal = { Federated = local.workers[key].oidc_provider_arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        StringEquals = {
          "${issuer}:aud" = local.workers[key].audience
          "${issuer}:sub" = "system:serviceaccount:${local.workers[key].namespace}:${local.workers[key].service_account}"
        }
      }
    }
  }
  pod_identity_trust = {
    for key, workers in local.workers : key => {
      Sid       = "OneServiceAccountOfTheCluster"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = var.account_id
          "aws:RequestTag/eks-cluster-arn"            = "arn:${local.partition}:eks:${local.region}:${var.account_id}:cluster/${workers.cluster}"
          "aws:RequestTag/kubernetes-namespace"       = workers.namespace
          "aws:RequestTag/kubernetes-service-account" = workers.service_account
        }
      }
    } if workers.pod_identity
  }
}

################################################################################
# Queue: which copies may be begun
################################################################################

# The policies are written where the queues are: a resource of its own makes Terraform wait half a minute more.
resource "aws_sqs_queue" "this" {
  name                       = var.name
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 120
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  tags                       = var.tags

  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = var.max_receives })
  policy         = jsonencode({ Version = "2012-10-17", Statement = [local.only_tls[local.queue_arn]] })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags

  policy = jsonencode({ Version = "2012-10-17", Statement = [local.only_tls[local.dead_arn]] })
}

locals {
  only_tls = {
    for arn in [local.queue_arn, local.dead_arn] : arn => {
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
}

################################################################################
# Table: who copies what, and what waits for it
################################################################################

resource "aws_dynamodb_table" "this" {
  name         = var.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "job"
  tags         = var.tags

  attribute {
    name = "job"
    type = "S"
  }

  # The next run makes its content again: no backup is worth its price.
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}

################################################################################
# What a worker may do
################################################################################

resource "aws_iam_role" "workers" {
  for_each = local.workers

  # IAM knows no regions.
  name                 = "${var.name}-${local.region}"
  description          = "Copies images into the registry by the queue ${var.name}"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(values(local.irsa_trust), values(local.pod_identity_trust))
  })
}

resource "aws_iam_role_policy" "workers" {
  for_each = local.workers

  name   = "mirror-worker"
  role   = aws_iam_role.workers[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

locals {
  statements = [
    for statement in [
      {
        Sid      = "Queue"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource = [local.queue_arn]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource = [local.dead_arn]
      },
      {
        Sid      = "Table"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
        Resource = [local.table_arn]
      },
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:DescribeRepositoryCreationTemplates", "ecr:GetAccountSetting", "ecr:GetAuthorizationToken"]
        Resource = ["*"] # these actions know no resources
      },
      {
        Sid    = "Repositories"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:CreateRepository",
          "ecr:DescribeImages",
          "ecr:DescribeRepositories",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:ListImages",
          "ecr:PutImage",
          "ecr:SetRepositoryPolicy",
          "ecr:TagResource",
          "ecr:UploadLayerPart",
        ]
        Resource = [
          for prefix in sort(distinct(var.prefixes)) : "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository/${prefix}/*"
        ]
      },
      {
        Sid      = "RepositoryKey"
        Effect   = "Allow"
        Action   = ["kms:CreateGrant", "kms:DescribeKey"]
        Resource = compact([var.repository_kms_key_arn])
      },
    ] : statement if length(statement.Resource) > 0
  ]
}

resource "aws_eks_pod_identity_association" "workers" {
  for_each = { for key, workers in local.workers : key => workers if workers.pod_identity }

  cluster_name    = each.value.cluster
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.workers[each.key].arn
  tags            = var.tags
}
