data "aws_partition" "current" {}

data "aws_iam_instance_profile" "pool" {
  for_each = { for name, pool in var.machine_pools : name => pool if var.attach && pool.attach_ecr_policy }

  name = each.value.instance_profile
}

locals {
  # By role, not by pool: ROSA gives each pool a profile of its own, with one role in all.
  role_names = toset(concat(
    var.node_role_names,
    var.fargate_execution_role_names,
    var.worker_role_prefix == null ? [] : ["${var.worker_role_prefix}-Worker-Role"],
    [for profile in values(data.aws_iam_instance_profile.pool) : profile.role_name],
  ))

  # {key: name}: a name that is known only after apply cannot be its own key.
  roles = var.attach ? merge({ for name in local.role_names : name => name }, var.node_roles) : {}
  bare  = setsubtract(keys(local.roles), var.attached_elsewhere)

  registries = distinct(concat([var.registry], var.other_registries))
  pull_arns = [
    for registry in local.registries :
    "arn:${data.aws_partition.current.partition}:ecr:${registry.region}:${registry.account_id}:repository/*"
  ]
  import_arns = contains(var.pull_through_prefixes, "ROOT") ? [local.pull_arns[0]] : [
    for prefix in sort(distinct(var.pull_through_prefixes)) : "${trimsuffix(local.pull_arns[0], "*")}${prefix}/*"
  ]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "LogIn"
          Effect   = "Allow"
          Action   = ["ecr:GetAuthorizationToken"]
          Resource = ["*"]
        },
        {
          Sid      = "Pull"
          Effect   = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = local.pull_arns
        },
      ],
      length(local.import_arns) == 0 ? [] : [
        {
          Sid      = "FirstPull"
          Effect   = "Allow"
          Action   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
          Resource = local.import_arns
        },
      ],
    )
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.roles

  name   = "${var.name}-ecr-pull"
  role   = each.value
  policy = local.policy
}

resource "aws_iam_role_policy_attachment" "managed" {
  for_each = var.managed_policy_name == null ? {} : { for key in local.bare : key => local.roles[key] }

  role       = each.value
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${var.managed_policy_name}"
}
