data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  registry_account = coalesce(var.registry_account_id, local.account)
  registry_region  = coalesce(var.registry_region, local.region)

  roles = var.push_roles

  cluster_arn = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/${coalesce(var.cluster_name, "none")}"

  # Two operators on one key are ANDed, and StringLike matches plain text exactly. One subject
  # with a wildcard puts them all under StringLike.
  subject_operators = {
    for name, role in local.roles : name => anytrue([for subject in role.subjects : can(regex("[*?]", subject))]) ? "StringLike" : "StringEquals"
  }

  irsa_trust = {
    for name, role in local.roles : name => {
      Sid       = "ServiceAccountsOfTheIssuer"
      Effect    = "Allow"
      Principal = { Federated = role.oidc_provider_arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        for operator in distinct(["StringEquals", local.subject_operators[name]]) : operator => merge(
          operator == "StringEquals" ? { "${local.issuers[name]}:aud" = sort(distinct(role.audiences)) } : {},
          operator == local.subject_operators[name] ? { "${local.issuers[name]}:sub" = sort(distinct(role.subjects)) } : {},
        )
      }
    } if role.oidc_provider_arn != null
  }

  issuers = {
    for name, role in local.roles : name => split(":oidc-provider/", role.oidc_provider_arn)[1] if role.oidc_provider_arn != null
  }

  pod_identity_trust = {
    for name, role in local.roles : name => {
      Sid       = "OneServiceAccountOfTheCluster"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = local.account
          "aws:RequestTag/eks-cluster-arn"            = local.cluster_arn
          "aws:RequestTag/kubernetes-namespace"       = role.pod_identity.namespace
          "aws:RequestTag/kubernetes-service-account" = role.pod_identity.service_account
        }
      }
    } if role.pod_identity != null
  }
}

################################################################################
# Roles
################################################################################

resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = each.key
  description          = "Pushes images to ECR"
  permissions_boundary = each.value.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(values({ for name, statement in local.irsa_trust : name => statement if name == each.key }), values({ for name, statement in local.pod_identity_trust : name => statement if name == each.key }))
  })
}

resource "aws_iam_role_policy" "push" {
  for_each = local.roles

  name = "ecr-push"
  role = aws_iam_role.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Login"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*" # the action knows no resources
      },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = [
          for repository in sort(distinct(each.value.repositories)) :
          "arn:${local.partition}:ecr:${local.registry_region}:${local.registry_account}:repository/${repository}"
        ]
      },
    ]
  })
}

################################################################################
# EKS Pod Identity
################################################################################

resource "aws_eks_pod_identity_association" "this" {
  for_each = { for name, role in local.roles : name => role.pod_identity if role.pod_identity != null }

  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.this[each.key].arn
  tags            = var.tags
}
