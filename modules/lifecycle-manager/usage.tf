################################################################################
# The role that writes a cluster's snapshot
################################################################################

locals {
  usage = var.usage_role == null ? {} : { this = var.usage_role }

  # IAM knows no regions, and takes 64 characters. A longer name is cut and told apart by a hash of the whole.
  usage_whole_names = { for key, role in local.usage : key => "${role.cluster}-ecr-usage-${local.region}" }
  usage_names = {
    for key, role in local.usage : key => coalesce(role.role_name, length(local.usage_whole_names[key]) <= 64 ? local.usage_whole_names[key] : join("-", [
      substr(local.usage_whole_names[key], 0, 55), substr(sha256(local.usage_whole_names[key]), 0, 8),
    ]))
  }
  snapshot_objects = {
    for key, role in local.usage : key => "${local.bucket_name}/snapshots/${coalesce(role.snapshot_name, role.cluster)}.json"
  }
  usage_issuers = {
    for key, role in local.usage : key => split(":oidc-provider/", role.oidc_provider_arn)[1] if role.oidc_provider_arn != null
  }

  irsa_trust = {
    for key, issuer in local.usage_issuers : key => {
      Sid       = "OneServiceAccountOfTheIssuer"
      Effect    = "Allow"
      Principal = { Federated = local.usage[key].oidc_provider_arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        StringEquals = {
          "${issuer}:aud" = local.usage[key].audience
          "${issuer}:sub" = "system:serviceaccount:${local.usage[key].namespace}:${local.usage[key].service_account}"
        }
      }
    }
  }
  pod_identity_trust = {
    for key, role in local.usage : key => {
      Sid       = "OneServiceAccountOfTheCluster"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = var.account_id
          "aws:RequestTag/eks-cluster-arn"            = "arn:${local.partition}:eks:${local.region}:${var.account_id}:cluster/${role.cluster}"
          "aws:RequestTag/kubernetes-namespace"       = role.namespace
          "aws:RequestTag/kubernetes-service-account" = role.service_account
        }
      }
    } if role.pod_identity
  }
}

resource "aws_iam_role" "usage" {
  for_each = local.usage

  name                 = local.usage_names[each.key]
  description          = "Writes what the cluster ${each.value.cluster} runs, so that it is not expired"
  permissions_boundary = var.settings.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(values(local.irsa_trust), values(local.pod_identity_trust))
  })
}

resource "aws_iam_role_policy" "usage" {
  for_each = local.usage

  name = "snapshot"
  role = aws_iam_role.usage[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "OwnSnapshot"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:${local.partition}:s3:::${local.snapshot_objects[each.key]}"]
      }],
      var.settings.kms_key_arn == null ? [] : [{
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [var.settings.kms_key_arn]
      }],
    )
  })
}

resource "aws_eks_pod_identity_association" "usage" {
  for_each = { for key, role in local.usage : key => role if role.pod_identity }

  cluster_name    = each.value.cluster
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.usage[each.key].arn
  tags            = var.tags
}
