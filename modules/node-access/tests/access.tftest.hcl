# What the module makes of its input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  name     = "dev"
  registry = { account_id = "111122223333", region = "us-east-1" }
}

run "without_roles_nothing_is_made" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.this) + length(aws_iam_role_policy_attachment.managed) == 0
    error_message = "rights for nobody"
  }
}

run "eks_nodes_and_fargate_pods_pull_and_make_the_first_pull" {
  variables {
    node_role_names              = ["dev-node", "dev-gpu"]
    fargate_execution_role_names = ["dev-fargate", "dev-node"]
    pull_through_prefixes        = ["quay", "docker-hub", "quay"]
  }

  assert {
    condition     = output.role_names == tolist(["dev-fargate", "dev-gpu", "dev-node"])
    error_message = "wrong roles: ${join(", ", output.role_names)}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this["dev-node"].policy).Statement == [
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
        Resource = ["arn:aws:ecr:us-east-1:111122223333:repository/*"]
      },
      {
        Sid      = "FirstPull"
        Effect   = "Allow"
        Action   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
        Resource = ["arn:aws:ecr:us-east-1:111122223333:repository/docker-hub/*", "arn:aws:ecr:us-east-1:111122223333:repository/quay/*"]
      },
    ]
    error_message = "wrong rights: ${aws_iam_role_policy.this["dev-node"].policy}"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.managed) == 0 && output.managed_policy_arn == null
    error_message = "a managed policy without being asked"
  }
}

run "without_rules_nodes_only_pull" {
  variables {
    node_role_names = ["dev-node"]
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Sid] == ["LogIn", "Pull"]
    error_message = "import rights without rules: ${output.policy}"
  }
}

run "a_root_rule_allows_the_first_pull_everywhere" {
  variables {
    node_role_names       = ["dev-node"]
    pull_through_prefixes = ["ROOT", "quay"]
  }

  assert {
    condition     = jsondecode(output.policy).Statement[2].Resource == ["arn:aws:ecr:us-east-1:111122223333:repository/*"]
    error_message = "wrong resources: ${output.policy}"
  }
}

run "a_central_registry_is_imported_to_and_the_own_one_only_pulled_from" {
  variables {
    node_role_names       = ["dev-node"]
    registry              = { account_id = "444455556666", region = "us-west-2" }
    other_registries      = [{ account_id = "111122223333", region = "us-east-1" }, { account_id = "444455556666", region = "us-west-2" }]
    pull_through_prefixes = ["quay"]
  }

  assert {
    condition     = jsondecode(output.policy).Statement[1].Resource == ["arn:aws:ecr:us-west-2:444455556666:repository/*", "arn:aws:ecr:us-east-1:111122223333:repository/*"]
    error_message = "wrong registries: ${output.policy}"
  }

  assert {
    condition     = jsondecode(output.policy).Statement[2].Resource == ["arn:aws:ecr:us-west-2:444455556666:repository/quay/*"]
    error_message = "imports elsewhere than in the central registry: ${output.policy}"
  }
}

run "workers_of_rosa_classic_are_found_by_prefix" {
  variables {
    worker_role_prefix  = "ManagedOpenShift"
    managed_policy_name = "AmazonEC2ContainerRegistryReadOnly"
  }

  assert {
    condition     = output.role_names == tolist(["ManagedOpenShift-Worker-Role"]) && aws_iam_role_policy.this["ManagedOpenShift-Worker-Role"].name == "dev-ecr-pull"
    error_message = "wrong role or policy"
  }

  assert {
    condition     = aws_iam_role_policy_attachment.managed["ManagedOpenShift-Worker-Role"].policy_arn == "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    error_message = "the managed policy is not attached"
  }
}

run "pools_of_rosa_hcp_that_share_a_role_do_not_collide" {
  variables {
    machine_pools = {
      workers = { instance_profile = "rosa-workers" }
      build   = { instance_profile = "rosa-build" }
    }
    managed_policy_name = "AmazonEC2ContainerRegistryPullOnly"
  }

  assert {
    condition     = output.role_names == tolist(["ManagedOpenShift-HCP-ROSA-Worker-Role"]) && length(aws_iam_role_policy_attachment.managed) == 1
    error_message = "one role, yet ${length(aws_iam_role_policy_attachment.managed)} attachments"
  }

  assert {
    condition     = output.machine_pool_roles == { workers = "ManagedOpenShift-HCP-ROSA-Worker-Role", build = "ManagedOpenShift-HCP-ROSA-Worker-Role" }
    error_message = "wrong roles of pools"
  }
}

run "a_pool_that_takes_no_part_is_not_looked_up" {
  command = plan

  variables {
    machine_pools = {
      edge = { instance_profile = "rosa-edge", attach_ecr_policy = false }
    }
  }

  assert {
    condition     = length(data.aws_iam_instance_profile.pool) == 0 && length(aws_iam_role_policy.this) == 0
    error_message = "the pool was looked up"
  }
}

run "attach_false_gives_nothing_and_looks_nothing_up" {
  command = plan

  variables {
    attach              = false
    node_role_names     = ["dev-node"]
    worker_role_prefix  = "ManagedOpenShift"
    machine_pools       = { workers = { instance_profile = "rosa-workers" } }
    managed_policy_name = "AmazonEC2ContainerRegistryReadOnly"
  }

  assert {
    condition     = length(data.aws_iam_instance_profile.pool) + length(aws_iam_role_policy.this) + length(aws_iam_role_policy_attachment.managed) == 0
    error_message = "rights are given all the same"
  }
}

run "china_has_its_own_partition" {
  variables {
    node_role_names     = ["dev-node"]
    registry            = { account_id = "111122223333", region = "cn-north-1" }
    managed_policy_name = "AmazonEC2ContainerRegistryReadOnly"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  assert {
    condition     = jsondecode(output.policy).Statement[1].Resource == ["arn:aws-cn:ecr:cn-north-1:111122223333:repository/*"] && output.managed_policy_arn == "arn:aws-cn:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    error_message = "wrong partition: ${output.policy}"
  }
}

run "roles_by_a_key_stand_beside_those_by_name" {
  variables {
    node_role_names     = ["dev-node"]
    node_roles          = { workers = "made-here" }
    managed_policy_name = "AmazonEC2ContainerRegistryPullOnly"
    attached_elsewhere  = ["dev-node"]
  }

  assert {
    condition     = output.role_names == tolist(["dev-node", "made-here"]) && join(",", keys(aws_iam_role_policy_attachment.managed)) == "workers" && aws_iam_role_policy_attachment.managed["workers"].role == "made-here"
    error_message = "wrong roles: ${join(", ", output.role_names)}"
  }
}
