# What the root module wires together. Run in a workspace called test: TF_WORKSPACE=test terraform test

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com", reverse_dns_prefix = "com.amazonaws" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  environment          = "test"
  cluster_name         = "test"
  account_id           = "111122223333"
  aws_region           = "us-east-1"
  create_vpc_endpoints = false
}

run "an_environment_without_anything_makes_nothing" {
  command = plan

  assert {
    condition     = length(output.ecr_repositories) == 0 && !output.vpc_endpoints_enabled && length(output.node_role_names) == 0 && length(output.push_role_arns) == 0
    error_message = "something is made unasked"
  }

  assert {
    condition     = output.idms_config_path == null && output.idms_config_content == null
    error_message = "a mirror set without generate_idms"
  }
}

run "the_own_repository_is_named_after_the_cluster" {
  command = plan

  variables {
    create_ecr = true
  }

  assert {
    condition     = output.ecr_repository_name == "test-registry" && output.ecr_registry_url == "111122223333.dkr.ecr.us-east-1.amazonaws.com" && output.cluster_summary.ecr_enabled
    error_message = "wrong repository or registry"
  }
}

run "lifecycle_policies_of_ones_own_reach_their_repositories" {
  command = plan

  variables {
    create_ecr       = true
    lifecycle_policy = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }, action = { type = "expire" } }] })
    repositories = {
      "team/app" = { lifecycle_policy = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 3 }, action = { type = "expire" } }] }) }
      "team/web" = { lifecycle_policy_enabled = false }
    }
  }

  assert {
    condition = {
      for name, policy in module.ecr.lifecycle_policies : name => jsondecode(policy).rules[0].selection.countNumber
    } == { "test-registry" = 7, "team/app" = 3 }
    error_message = "wrong policies: ${jsonencode(module.ecr.lifecycle_policies)}"
  }
}

run "what_ecr_puts_before_a_name_is_the_rules_and_not_the_routes" {
  command = plan

  variables {
    pull_through_cache_rules = {
      quay = { upstream_registry_url = "quay.io", source = "quay.io/prometheus" }
      mine = { upstream_registry_url = "222233334444.dkr.ecr.us-east-1.amazonaws.com", custom_role_arn = "arn:aws:iam::111122223333:role/pull", upstream_repository_prefix = "base", source = "222233334444.dkr.ecr.us-east-1.amazonaws.com/base/team" }
    }
  }

  assert {
    condition = { for route in local.cache_routes : route.prefix => route.source } == {
      quay = "quay.io", mine = "222233334444.dkr.ecr.us-east-1.amazonaws.com/base"
    }
    error_message = "wrong upstream names: ${jsonencode(local.cache_routes)}"
  }
}

run "nodes_may_make_first_pulls_below_the_rules_prefixes" {
  command = plan

  variables {
    node_role_names          = ["test-node"]
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
  }

  assert {
    condition     = jsondecode(output.node_pull_policy).Statement[2].Resource == ["arn:aws:ecr:us-east-1:111122223333:repository/quay/*"]
    error_message = "wrong rights: ${output.node_pull_policy}"
  }

  assert {
    condition     = join(" ", keys(output.pull_through_cache_rules)) == "quay" && output.ecr_summary.owns_registry
    error_message = "the rule is not made"
  }
}

run "rosa_workers_get_the_managed_policy_too" {
  command = plan

  variables {
    platform           = "rosa-classic"
    worker_role_prefix = "ManagedOpenShift"
  }

  assert {
    condition     = join(" ", output.node_role_names) == "ManagedOpenShift-Worker-Role" && module.node_access[0].managed_policy_arn == "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    error_message = "the workers lack AmazonEC2ContainerRegistryReadOnly"
  }
}

run "attach_ecr_policy_false_gives_nodes_nothing" {
  command = plan

  variables {
    node_role_names   = ["test-node"]
    attach_ecr_policy = false
  }

  assert {
    condition     = length(output.node_role_names) == 0 && output.node_pull_policy == null
    error_message = "nodes got rights all the same"
  }
}

run "who_does_not_own_the_registry_only_uses_its_routes" {
  command = plan

  variables {
    manage_registry           = false
    node_role_names           = ["test-node"]
    pull_through_cache_rules  = { docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/absent" } }
    registry_scanning         = { scan_type = "BASIC" }
    registry_account_settings = { REGISTRY_POLICY_SCOPE = "V2" }
    root_template             = {}
  }

  assert {
    condition     = length(module.registry) + length(module.pull_through_cache) == 0 && length(output.pull_through_cache_rules) == 0
    error_message = "the registry has a second owner"
  }

  assert {
    condition     = jsondecode(output.node_pull_policy).Statement[2].Resource == ["arn:aws:ecr:us-east-1:111122223333:repository/docker-hub/*"]
    error_message = "the routes are not used: ${output.node_pull_policy}"
  }
}

run "a_central_registry_is_never_owned_from_elsewhere" {
  command = plan

  variables {
    registry_account_id      = "444455556666"
    registry_region          = "us-west-2"
    node_role_names          = ["test-node"]
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
  }

  assert {
    condition     = length(module.registry) + length(module.pull_through_cache) == 0 && output.ecr_registry_url == "444455556666.dkr.ecr.us-west-2.amazonaws.com"
    error_message = "wrong registry, or rules made in the own account"
  }

  assert {
    condition     = jsondecode(output.node_pull_policy).Statement[2].Resource == ["arn:aws:ecr:us-west-2:444455556666:repository/quay/*"]
    error_message = "wrong rights: ${output.node_pull_policy}"
  }
}

run "consumers_get_the_registry_policy_and_templates_that_let_them_pull" {
  command = plan

  variables {
    registry_consumer_account_ids = ["444455556666"]
    pull_through_cache_rules = {
      quay = { upstream_registry_url = "quay.io" }
      k8s  = { upstream_registry_url = "registry.k8s.io", template = { pull_account_ids = ["555566667777"] } }
      ROOT = { upstream_registry_url = "public.ecr.aws" }
    }
    root_template = {}
  }

  assert {
    condition     = join(" ", output.repository_creation_templates) == "ROOT k8s quay"
    error_message = "wrong templates: ${join(", ", output.repository_creation_templates)}"
  }

  assert {
    condition     = jsondecode(output.registry_policy).Statement[0].Principal.AWS == ["arn:aws:iam::444455556666:root"]
    error_message = "wrong registry policy: ${output.registry_policy}"
  }
}

run "protected_only_leaves_protected_repositories_only" {
  command = plan

  variables {
    protected_only           = true
    create_ecr               = true
    ecr_prevent_destroy      = true
    node_role_names          = ["test-node"]
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
    push_roles               = { test-push = { repositories = ["test-registry"], oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE", subjects = ["system:serviceaccount:ci:builder"] } }
  }

  assert {
    condition     = join(" ", keys(output.ecr_repositories)) == "test-registry" && length(module.registry) + length(module.pull_through_cache) + length(module.vpc_endpoints) + length(module.node_access) + length(module.push_role) == 0
    error_message = "more than the protected repository is left"
  }
}

run "protected_only_leaves_nothing_where_nothing_is_protected" {
  command = plan

  variables {
    protected_only           = true
    create_ecr               = true
    repositories             = { "team/app" = {} }
    node_role_names          = ["test-node"]
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
  }

  assert {
    condition     = length(output.ecr_repositories) == 0 && length(module.registry) + length(module.pull_through_cache) + length(module.node_access) == 0
    error_message = "something is left"
  }
}

run "the_usage_role_of_a_cluster_needs_no_function" {
  command = plan

  variables {
    manage_registry     = false
    registry_account_id = "999988887777"
    lifecycle_manager   = { usage = { pod_identity = true } }
  }

  assert {
    condition     = output.lifecycle_manager_function_name == null && output.lifecycle_bucket_name == "ecr-lifecycle-999988887777-us-east-1"
    error_message = "a function, or another bucket than the owner's: ${output.lifecycle_bucket_name}"
  }
}

run "the_s3_endpoint_lets_the_cluster_write_its_snapshot_and_nothing_else" {
  command = plan

  variables {
    create_vpc_endpoints    = true
    vpc_id                  = "vpc-0123456789abcdef0"
    private_subnet_ids      = ["subnet-0123456789abcdef0"]
    vpc_cidr                = "10.0.0.0/16"
    extra_vpc_endpoints     = ["s3"]
    private_route_table_ids = ["rtb-0123456789abcdef0"]
    manage_registry         = false
    lifecycle_manager       = { bucket_name = "records", usage = { pod_identity = true, snapshot_name = "test-us" } }
  }

  assert {
    condition     = [for statement in jsondecode(module.vpc_endpoints[0].policies["s3"]).Statement : [statement.Action, statement.Resource] if strcontains(jsonencode(statement.Resource), "records")] == [[["s3:PutObject"], ["arn:aws:s3:::records/snapshots/test-us.json"]]]
    error_message = "the endpoint refuses the snapshot, or lets more through: ${module.vpc_endpoints[0].policies["s3"]}"
  }

  assert {
    condition     = strcontains(module.lifecycle_manager[0].usage_role_policy, "arn:aws:s3:::records/snapshots/test-us.json")
    error_message = "role and endpoint name different objects"
  }
}

run "a_bucket_of_another_region_is_not_reached_through_the_endpoint" {
  command = plan

  variables {
    create_vpc_endpoints    = true
    vpc_id                  = "vpc-0123456789abcdef0"
    private_subnet_ids      = ["subnet-0123456789abcdef0"]
    vpc_cidr                = "10.0.0.0/16"
    extra_vpc_endpoints     = ["s3"]
    private_route_table_ids = ["rtb-0123456789abcdef0"]
    registry_region         = "us-west-2"
    lifecycle_manager       = { usage = { pod_identity = true } }
  }

  assert {
    condition     = !strcontains(module.vpc_endpoints[0].policies["s3"], "s3:PutObject")
    error_message = "a right that nothing uses: ${module.vpc_endpoints[0].policies["s3"]}"
  }
}

run "records_are_kept_without_the_function" {
  command = plan

  variables {
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
    lifecycle_manager        = { keep_records = true, usage = { pod_identity = true } }
  }

  assert {
    condition     = output.lifecycle_manager_function_name == null && module.lifecycle_manager[0].bucket_created
    error_message = "the audit log would go with the function"
  }
}

run "records_are_kept_when_the_rest_is_destroyed" {
  command = plan

  variables {
    protected_only    = true
    lifecycle_manager = { enabled = true, keep_records = true, usage = { pod_identity = true } }
  }

  assert {
    condition     = module.lifecycle_manager[0].bucket_created && output.usage_role_arn == null && output.lifecycle_manager_function_name == null
    error_message = "the audit log would go, or more than it stays"
  }
}

run "nothing_of_the_functions_is_made_unasked" {
  command = plan

  assert {
    condition     = output.lifecycle_manager_function_name == null && output.lifecycle_bucket_name == null && output.usage_role_arn == null && output.scan_findings_topic_arn == null && output.dashboard_name == null
    error_message = "something is made unasked"
  }
}

run "the_dashboard_is_named_after_the_environment" {
  command = plan

  variables {
    monitoring = { enabled = true }
  }

  assert {
    condition     = output.dashboard_name == "ecr-test"
    error_message = "wrong name: ${output.dashboard_name}"
  }
}
