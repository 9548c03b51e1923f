mock_provider "aws" {
  source = "../mocks"
}

variables {
  name               = "demo"
  vpc_id             = "vpc-1"
  private_subnet_ids = ["subnet-1"]
  vpc_cidr           = "10.0.0.0/16"
}

run "nodes_may_log_in_and_pull_and_no_more" {
  command = plan

  assert {
    condition = jsondecode(aws_vpc_endpoint.interface["ecr.dkr"].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "Login"
          Effect    = "Allow"
          Principal = "*"
          Action    = ["ecr:GetAuthorizationToken"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:PrincipalAccount" = ["111122223333"] } }
        },
        {
          Sid       = "Pull"
          Effect    = "Allow"
          Principal = "*"
          Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource  = ["arn:aws:ecr:eu-west-1:111122223333:repository/*"]
          Condition = { StringEquals = { "aws:PrincipalAccount" = ["111122223333"] } }
        },
        {
          Sid       = "PullPlatformImages"
          Effect    = "Allow"
          Principal = "*"
          Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource  = ["arn:aws:ecr:eu-west-1:328549459982:repository/*", "arn:aws:ecr:eu-west-1:602401143452:repository/*", "arn:aws:ecr:eu-west-1:673884943994:repository/*"]
          Condition = { StringEquals = { "aws:PrincipalAccount" = ["111122223333"] } }
        },
      ]
    }
    error_message = "Own identities log in, pull from the own registry, and pull images of EKS, Bottlerocket and GuardDuty."
  }
  assert {
    condition     = jsondecode(aws_vpc_endpoint.interface["ecr.api"].policy) == jsondecode(aws_vpc_endpoint.interface["ecr.dkr"].policy)
    error_message = "Both ECR endpoints have one policy."
  }
}

run "imports_pushes_and_tools_are_admitted_on_request_to_own_registries" {
  command = plan

  variables {
    principal_account_ids         = ["222222222222", "111122223333"]
    registry_account_ids          = ["444444444444"]
    platform_registry_account_ids = []
    allow_import                  = true
    allow_push                    = true
    additional_ecr_actions        = ["ecr:ListImages", "ecr:DescribeImages"]
  }

  assert {
    condition = { for statement in jsondecode(aws_vpc_endpoint.interface["ecr.api"].policy).Statement : statement.Sid => statement.Action } == {
      Login  = ["ecr:GetAuthorizationToken"]
      Pull   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Import = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
      Push   = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
      Tools  = ["ecr:DescribeImages", "ecr:ListImages"]
    }
    error_message = "Each request adds its own actions; without platform registries nothing of theirs is admitted."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_vpc_endpoint.interface["ecr.api"].policy).Statement :
      statement.Sid == "Login" || statement.Resource == ["arn:aws:ecr:eu-west-1:444444444444:repository/*"]
    ])
    error_message = "Only the named registry's repositories."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_vpc_endpoint.interface["ecr.api"].policy).Statement :
      statement.Condition.StringEquals["aws:PrincipalAccount"] == ["111122223333", "222222222222"]
    ])
    error_message = "Only the named accounts' identities."
  }
}

run "any_platform_registry_can_be_pulled_from_but_not_pushed_to" {
  command = plan

  variables {
    platform_registry_account_ids = ["*"]
    allow_push                    = true
  }

  assert {
    condition = [
      for statement in jsondecode(aws_vpc_endpoint.interface["ecr.dkr"].policy).Statement : statement.Sid
      if contains(statement.Resource, "arn:aws:ecr:eu-west-1:*:repository/*")
    ] == ["PullPlatformImages"]
    error_message = "The wildcard reaches pulls only."
  }
}

run "the_s3_gateway_admits_layers_and_named_buckets" {
  command = plan

  variables {
    extra_endpoints         = ["s3"]
    private_route_table_ids = ["rtb-1"]
    s3_bucket_names         = ["logs.example"]
    s3_put_objects          = ["records/snapshots/prod.json"]
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.gateway["s3"].policy).Statement == [
      {
        Sid       = "DownloadLayers"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetObject"]
        Resource  = ["arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*", "arn:aws:s3:::prod-registry-k8s-io-eu-west-1/*"]
      },
      {
        Sid       = "UseNamedBuckets"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:*"]
        Resource  = ["arn:aws:s3:::logs.example", "arn:aws:s3:::logs.example/*"]
      },
      {
        Sid       = "WriteNamedObjects"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:PutObject"]
        Resource  = ["arn:aws:s3:::records/snapshots/prod.json"]
        Condition = { StringEquals = { "aws:PrincipalAccount" = ["111122223333"] } }
      },
    ]
    error_message = "ECR's layers can be downloaded, named buckets used, named objects written."
  }
}

run "without_named_buckets_only_layers_pass" {
  command = plan

  variables {
    extra_endpoints         = ["s3"]
    private_route_table_ids = ["rtb-1"]
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.gateway["s3"].policy).Statement[*].Sid == ["DownloadLayers"]
    error_message = "Only ECR's layer bucket."
  }
}

run "sts_and_logs_stay_within_the_accounts" {
  command = plan

  variables {
    extra_endpoints      = ["sts", "logs"]
    sts_role_account_ids = ["555555555555"]
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.interface["sts"].policy).Statement == [
      {
        Sid       = "AssumeRoles"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
        Resource  = ["arn:aws:iam::555555555555:role/*"]
      },
      {
        Sid       = "WhoAmI"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["sts:GetCallerIdentity"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:PrincipalAccount" = ["111122223333"] } }
      },
    ]
    error_message = "Roles of the named account can be assumed; own identities may ask who they are."
  }
  assert {
    condition = (
      jsondecode(aws_vpc_endpoint.interface["logs"].policy).Statement[0].Resource == ["arn:aws:logs:eu-west-1:111122223333:log-group:*"]
      && jsondecode(aws_vpc_endpoint.interface["logs"].policy).Statement[0].Condition.StringEquals["aws:PrincipalAccount"] == ["111122223333"]
      && alltrue([for action in jsondecode(aws_vpc_endpoint.interface["logs"].policy).Statement[0].Action : !strcontains(action, "*")])
    )
    error_message = "Log groups of the own account, action by action."
  }
}

run "other_registries_of_the_region_are_pulled_from_and_nothing_else" {
  command = plan

  variables {
    platform_registry_account_ids = []
    pull_account_ids              = ["709825985650", "222222222222"]
    allow_push                    = true
  }

  assert {
    condition = [
      for statement in jsondecode(aws_vpc_endpoint.interface["ecr.dkr"].policy).Statement : statement.Sid
      if contains(statement.Resource, "arn:aws:ecr:eu-west-1:709825985650:repository/*")
    ] == ["PullPlatformImages"]
    error_message = "A vendor's registry is for pulls only."
  }
}

run "layers_of_public_registries_can_be_kept_out" {
  command = plan

  variables {
    extra_endpoints         = ["s3"]
    private_route_table_ids = ["rtb-1"]
    public_layer_buckets    = false
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.gateway["s3"].policy).Statement[0].Resource == ["arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"]
    error_message = "Only ECR's layers pass."
  }
}

run "each_block_of_the_vpc_is_admitted" {
  command = plan

  variables {
    vpc_cidr = ["10.0.0.0/16", "100.64.0.0/16", "2001:db8::/56"]
  }

  assert {
    condition = concat(
      [aws_vpc_security_group_ingress_rule.https[0].cidr_ipv4],
      [for rule in values(aws_vpc_security_group_ingress_rule.https_from_further_blocks) : coalesce(rule.cidr_ipv4, rule.cidr_ipv6)],
    ) == ["10.0.0.0/16", "100.64.0.0/16", "2001:db8::/56"]
    error_message = "A block is missing, or stands in the wrong family."
  }
}

run "refuses_an_account_that_is_none" {
  command = plan

  variables {
    pull_account_ids = ["vendor"]
  }
  expect_failures = [var.pull_account_ids]
}

run "a_block_that_does_not_begin_at_its_network_is_refused" {
  command = plan

  variables {
    vpc_cidr = ["10.0.0.0/16", "100.64.1.0/16"]
  }
  expect_failures = [var.vpc_cidr]
}
