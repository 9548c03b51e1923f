################################################################################
# Endpoint policies: what may pass, whoever asks
#
# An endpoint policy grants nothing. It bounds what the VPC's identities can do through the endpoint. Stolen credentials of another
# account, or a registry of somebody else's, are of no use inside.
################################################################################

locals {
  principals = length(var.principal_account_ids) > 0 ? var.principal_account_ids : [local.account]
  registries = length(var.registry_account_ids) > 0 ? var.registry_account_ids : [local.account]
  sts_roles  = length(var.sts_role_account_ids) > 0 ? var.sts_role_account_ids : [local.account]

  # Where EKS keeps its add-on images (EKS user guide, "View Amazon container image registries").
  # Regions that are not named here share one account.
  eks_registries = {
    af-south-1     = "877085696533"
    ap-east-1      = "800184023465"
    ap-east-2      = "533267051163"
    ap-south-2     = "900889452093"
    ap-southeast-3 = "296578399912"
    ap-southeast-4 = "491585149902"
    ap-southeast-5 = "151610086707"
    ap-southeast-6 = "333609536671"
    ap-southeast-7 = "121268973566"
    ca-west-1      = "761377655185"
    cn-north-1     = "918309763551"
    cn-northwest-1 = "961992271922"
    eu-central-2   = "900612956339"
    eu-south-1     = "590381155156"
    eu-south-2     = "455263428931"
    il-central-1   = "066635153087"
    me-central-1   = "759879836304"
    me-south-1     = "558608220178"
    mx-central-1   = "730335286997"
    us-gov-east-1  = "151742754352"
    us-gov-west-1  = "013241004608"
  }
  # Where Bottlerocket keeps its host containers (bottlerocket-core-kit, schnauzer's ECR_MAP).
  bottlerocket_registries = {
    af-south-1     = "917644944286"
    ap-east-1      = "375569722642"
    ap-south-2     = "764716012617"
    ap-southeast-3 = "386774335080"
    ap-southeast-4 = "731751899352"
    ap-southeast-5 = "851725293737"
    ca-west-1      = "253897149516"
    cn-north-1     = "183470599484"
    cn-northwest-1 = "183901325759"
    eu-central-2   = "861738308508"
    eu-isoe-west-1 = "589460436674"
    eu-south-1     = "586180183710"
    eu-south-2     = "620625777247"
    il-central-1   = "288123944683"
    me-central-1   = "553577323255"
    me-south-1     = "509306038620"
    us-gov-east-1  = "388230364387"
    us-gov-west-1  = "347163068887"
  }
  # Where GuardDuty keeps its agent for EKS, beside EKS's account (GuardDuty user guide, "Amazon ECR repository hosting
  # GuardDuty agent"). Newer regions have the latter alone.
  guardduty_registries = {
    af-south-1     = "379032919888"
    ap-east-1      = "790429075973"
    ap-northeast-1 = "781592569369"
    ap-northeast-2 = "732248494576"
    ap-northeast-3 = "810724417379"
    ap-south-1     = "610108029387"
    ap-south-2     = "618745550137"
    ap-southeast-1 = "584580519942"
    ap-southeast-2 = "011662287384"
    ap-southeast-3 = "617474730032"
    ap-southeast-4 = "750462861327"
    ca-central-1   = "001188825231"
    eu-central-1   = "409493279830"
    eu-central-2   = "718440343717"
    eu-north-1     = "366771026645"
    eu-south-1     = "528450769569"
    eu-south-2     = "531047660167"
    eu-west-1      = "673884943994"
    eu-west-2      = "109118265657"
    eu-west-3      = "113643092156"
    il-central-1   = "292660727137"
    me-central-1   = "601769779514"
    me-south-1     = "541829937850"
    sa-east-1      = "941219317354"
    us-east-1      = "031903291036"
    us-east-2      = "591382732059"
    us-west-1      = "373421517865"
    us-west-2      = "039403964562"
  }
  platform_registries = var.platform_registry_account_ids != null ? var.platform_registry_account_ids : compact([
    lookup(local.eks_registries, local.region, "602401143452"),
    lookup(local.bottlerocket_registries, local.region, "328549459982"),
    lookup(local.guardduty_registries, local.region, ""),
  ])
  pulled_registries = sort(distinct(concat(local.platform_registries, var.pull_account_ids)))

  # Buckets of this region to which public registries send clients in AWS. Sources: registry.k8s.io's buckets.go;
  # for quay.io OpenShift's list of hosts for firewalls. A bucket of another region is not reached through the gateway.
  layer_buckets = local.partition != "aws" || !var.public_layer_buckets ? [] : concat(
    local.region == "ap-east-2" ? [] : [
      local.region == "eu-west-2" ? "767373bbdcb8270361b96548387bf2a9ad0d48758c35-eu-west-2" : "prod-registry-k8s-io-${local.region}",
    ],
    local.region == "us-east-1" ? ["quayio-production-s3"] : [],
  )

  own_principals = { StringEquals = { "aws:PrincipalAccount" = sort(distinct(local.principals)) } }

  pull_actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

  # What pulls, imports, pushes and tools may do in the registries' repositories.
  repository_actions = {
    Pull   = local.pull_actions
    Import = var.allow_import ? ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"] : []
    Push = var.allow_push ? [
      "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ] : []
    Tools = sort(distinct(var.additional_ecr_actions))
  }

  ecr_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "Login"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["ecr:GetAuthorizationToken"]
        Resource  = ["*"] # the action knows no resources
        Condition = local.own_principals
      }],
      [
        for sid in ["Pull", "Import", "Push", "Tools"] : {
          Sid       = sid
          Effect    = "Allow"
          Principal = "*"
          Action    = local.repository_actions[sid]
          Resource  = [for account in sort(distinct(local.registries)) : "arn:${local.partition}:ecr:${local.region}:${account}:repository/*"]
          Condition = local.own_principals
        } if length(local.repository_actions[sid]) > 0
      ],
      [
        for sid in ["PullPlatformImages"] : {
          Sid       = sid
          Effect    = "Allow"
          Principal = "*"
          Action    = local.pull_actions
          Resource  = [for account in local.pulled_registries : "arn:${local.partition}:ecr:${local.region}:${account}:repository/*"]
          Condition = local.own_principals
        } if length(local.pulled_registries) > 0
      ],
    )
  })

  s3_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        # ECR answers a layer download with a URL that it signed itself, so no account of ours is the principal.
        Sid       = "DownloadLayers"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetObject"]
        Resource = [
          for bucket in concat(["prod-${local.region}-starport-layer-bucket"], local.layer_buckets) :
          "arn:${local.partition}:s3:::${bucket}/*"
        ]
      }],
      [
        for sid in ["UseNamedBuckets"] : {
          Sid       = sid
          Effect    = "Allow"
          Principal = "*"
          Action    = ["s3:*"]
          Resource = flatten([
            for bucket in sort(distinct(var.s3_bucket_names)) :
            ["arn:${local.partition}:s3:::${bucket}", "arn:${local.partition}:s3:::${bucket}/*"]
          ])
        } if length(var.s3_bucket_names) > 0
      ],
      [
        for sid in ["WriteNamedObjects"] : {
          Sid       = sid
          Effect    = "Allow"
          Principal = "*"
          Action    = ["s3:PutObject"]
          Resource  = [for object in sort(distinct(var.s3_put_objects)) : "arn:${local.partition}:s3:::${object}"]
          Condition = local.own_principals
        } if length(var.s3_put_objects) > 0
      ],
    )
  })

  sts_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # AssumeRoleWithWebIdentity (IRSA) is unsigned: the role bounds it, there is no principal's account.
        Sid       = "AssumeRoles"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
        Resource  = [for account in sort(distinct(local.sts_roles)) : "arn:${local.partition}:iam::${account}:role/*"]
      },
      {
        Sid       = "WhoAmI"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["sts:GetCallerIdentity"]
        Resource  = ["*"] # the action knows no resources
        Condition = local.own_principals
      },
    ]
  })

  logs_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "WriteLogs"
      Effect    = "Allow"
      Principal = "*"
      Action = [
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
        "logs:PutLogEvents", "logs:PutRetentionPolicy",
      ]
      Resource  = [for account in sort(distinct(local.principals)) : "arn:${local.partition}:logs:${local.region}:${account}:log-group:*"]
      Condition = local.own_principals
    }]
  })

  policies = {
    "ecr.api" = local.ecr_policy
    "ecr.dkr" = local.ecr_policy # AWS: one policy for both
    "s3"      = local.s3_policy
    "sts"     = local.sts_policy
    "logs"    = local.logs_policy
  }
}
