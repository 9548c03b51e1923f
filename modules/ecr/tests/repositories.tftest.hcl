mock_provider "aws" {
  source = "../mocks"
}

variables {
  cluster_name         = "demo"
  create_vpc_endpoints = false
}

################################################################################
# What is made
################################################################################

run "one_repository_named_after_the_cluster" {
  command = apply

  assert {
    condition     = keys(aws_ecr_repository.this) == ["demo-registry"] && length(aws_ecr_repository.protected) == 0
    error_message = "Without settings there is one repository, <cluster_name>-registry, unprotected."
  }
  assert {
    condition = (
      aws_ecr_repository.this["demo-registry"].image_tag_mutability == "MUTABLE"
      && aws_ecr_repository.this["demo-registry"].image_scanning_configuration[0].scan_on_push
      && aws_ecr_repository.this["demo-registry"].encryption_configuration[0].encryption_type == "AES256"
      && !aws_ecr_repository.this["demo-registry"].force_delete
    )
    error_message = "Documented defaults: MUTABLE, scanned on push, AES256, not deleted with images."
  }
  assert {
    condition = (
      output.repository_name == "demo-registry"
      && output.repository_arn == "arn:aws:ecr:eu-west-1:111122223333:repository/mocked"
      && output.repository_url == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mocked"
      && output.registry_id == "111122223333"
      && output.registry_url == "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
      && output.prevent_destroy == false
    )
    error_message = "The outputs name the default repository and its registry."
  }
  assert {
    condition = (
      output.vpc_endpoints_enabled == false && output.ecr_api_endpoint_id == null && output.ecr_dkr_endpoint_id == null
      && output.endpoint_security_group_id == null && output.idms_config_path == null && output.idms_config_content == null
    )
    error_message = "What is switched off is null."
  }
  assert {
    condition     = length(aws_ecr_repository_policy.this) == 0
    error_message = "Without other accounts there is no repository policy."
  }
}

run "the_registry_has_the_suffix_of_its_partition" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn", reverse_dns_prefix = "cn.com.amazonaws" }
  }
  override_data {
    target = data.aws_region.current
    values = { name = "cn-north-1" }
  }
  variables {
    pull_account_ids = ["222222222222"]
  }

  assert {
    condition     = output.registry_url == "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"
    error_message = "In China registries end in amazonaws.com.cn."
  }
  assert {
    condition     = jsondecode(aws_ecr_repository_policy.this["demo-registry"].policy).Statement[0].Principal.AWS == ["arn:aws-cn:iam::222222222222:root"]
    error_message = "ARNs carry the partition."
  }
}

run "a_repository_takes_from_the_module_what_it_leaves_out" {
  command = plan

  variables {
    repository_name         = "team/base"
    image_tag_mutability    = "IMMUTABLE"
    scan_on_push            = false
    kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/one"
    force_delete            = true
    lifecycle_untagged_days = 3
    lifecycle_keep_count    = 7
    pull_account_ids        = ["222222222222"]
    tags                    = { team = "platform", stage = "dev" }
    repositories = {
      "team/plain" = {}
      "team/own" = {
        image_tag_mutability    = "MUTABLE"
        scan_on_push            = true
        kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/two"
        force_delete            = false
        lifecycle_untagged_days = 1
        lifecycle_keep_count    = 2
        pull_account_ids        = []
        tags                    = { stage = "prod" }
      }
    }
  }

  assert {
    condition     = keys(aws_ecr_repository.this) == ["team/base", "team/own", "team/plain"]
    error_message = "The default repository and those of the map exist, by name."
  }
  assert {
    condition = alltrue([
      for name in ["team/base", "team/plain"] : (
        aws_ecr_repository.this[name].image_tag_mutability == "IMMUTABLE"
        && !aws_ecr_repository.this[name].image_scanning_configuration[0].scan_on_push
        && aws_ecr_repository.this[name].encryption_configuration[0].encryption_type == "KMS"
        && aws_ecr_repository.this[name].encryption_configuration[0].kms_key == "arn:aws:kms:eu-west-1:111122223333:key/one"
        && aws_ecr_repository.this[name].force_delete
        && aws_ecr_repository.this[name].tags == tomap({ team = "platform", stage = "dev" })
        && jsondecode(aws_ecr_lifecycle_policy.this[name].policy).rules[*].selection.countNumber == [3, 7]
        && contains(keys(aws_ecr_repository_policy.this), name)
      )
    ])
    error_message = "A repository without settings of its own has the module's."
  }
  assert {
    condition = (
      aws_ecr_repository.this["team/own"].image_tag_mutability == "MUTABLE"
      && aws_ecr_repository.this["team/own"].image_scanning_configuration[0].scan_on_push
      && aws_ecr_repository.this["team/own"].encryption_configuration[0].kms_key == "arn:aws:kms:eu-west-1:111122223333:key/two"
      && !aws_ecr_repository.this["team/own"].force_delete
      && aws_ecr_repository.this["team/own"].tags == tomap({ team = "platform", stage = "prod" })
      && jsondecode(aws_ecr_lifecycle_policy.this["team/own"].policy).rules[*].selection.countNumber == [1, 2]
      && !contains(keys(aws_ecr_repository_policy.this), "team/own")
    )
    error_message = "A repository's own settings win, false and an empty list included; tags are merged."
  }
}

run "an_entry_with_the_default_name_sets_the_default_repository" {
  command = plan

  variables {
    repositories = { "demo-registry" = { image_tag_mutability = "IMMUTABLE" } }
  }

  assert {
    condition     = keys(aws_ecr_repository.this) == ["demo-registry"] && aws_ecr_repository.this["demo-registry"].image_tag_mutability == "IMMUTABLE"
    error_message = "One repository, with the entry's setting."
  }
}

run "without_the_default_repository_only_the_map_remains" {
  command = plan

  variables {
    create_repository = false
    repositories      = { "team/app" = {} }
  }

  assert {
    condition     = keys(aws_ecr_repository.this) == ["team/app"] && output.repository_name == null && output.repository_url == null
    error_message = "create_repository = false leaves the default repository out, and its outputs null."
  }
}

run "other_accounts_may_pull_and_no_more" {
  command = plan

  variables {
    pull_account_ids = ["333333333333", "222222222222", "333333333333"]
  }

  assert {
    condition = jsondecode(aws_ecr_repository_policy.this["demo-registry"].policy).Statement == [{
      Sid       = "PullFromOtherAccounts"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }]
    error_message = "Each account once, with the three actions of a pull."
  }
}

################################################################################
# Protection
################################################################################

run "protection_moves_every_repository_to_the_protected_resource" {
  command = plan

  variables {
    prevent_destroy = true
    repositories    = { "team/app" = { tags = { stage = "dev" } } }
  }

  assert {
    condition     = length(aws_ecr_repository.this) == 0 && keys(aws_ecr_repository.protected) == ["demo-registry", "team/app"]
    error_message = "Protected repositories have the same keys as unprotected ones."
  }
  assert {
    condition     = aws_ecr_repository.protected["team/app"].tags == tomap({ Lifecycle = "external", stage = "dev" })
    error_message = "Protection shows as a tag."
  }
  assert {
    condition     = keys(aws_ecr_lifecycle_policy.this) == ["demo-registry", "team/app"] && output.prevent_destroy
    error_message = "Lifecycle policies keep their addresses."
  }
}

run "protected_only_keeps_protected_repositories_with_their_policies" {
  command = plan

  variables {
    prevent_destroy      = true
    protected_only       = true
    create_vpc_endpoints = true
    generate_idms        = true
    pull_account_ids     = ["222222222222"]
  }

  assert {
    condition = (
      keys(aws_ecr_repository.protected) == ["demo-registry"] && keys(aws_ecr_lifecycle_policy.this) == ["demo-registry"]
      && keys(aws_ecr_repository_policy.this) == ["demo-registry"]
    )
    error_message = "What is protected stays as it is."
  }
  assert {
    condition     = length(module.vpc_endpoints) == 0 && output.vpc_endpoints_enabled == false && output.idms_config_content == null
    error_message = "Endpoints go, and their missing VPC is no error."
  }
}

run "protected_only_leaves_nothing_unprotected" {
  command = plan

  variables {
    protected_only = true
    repositories   = { "team/app" = {} }
  }

  assert {
    condition = (
      length(aws_ecr_repository.this) == 0 && length(aws_ecr_repository.protected) == 0
      && length(aws_ecr_lifecycle_policy.this) == 0 && length(output.repositories) == 0
    )
    error_message = "Without protection nothing remains."
  }
}

################################################################################
# What is refused
################################################################################

run "refuses_a_cluster_name_with_a_space" {
  command = plan
  variables {
    cluster_name = "my cluster"
  }
  expect_failures = [var.cluster_name]
}

run "refuses_a_repository_name_with_upper_case" {
  command = plan
  variables {
    repository_name = "Team/App"
  }
  expect_failures = [var.repository_name]
}

run "refuses_a_cluster_name_that_makes_no_repository_name" {
  command = plan
  variables {
    cluster_name = "demo_"
  }
  expect_failures = [var.repository_name]
}

run "refuses_a_repository_in_the_map_with_a_bad_name" {
  command = plan
  variables {
    repositories = { "team//app" = {} }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_repository_with_an_unknown_mutability" {
  command = plan
  variables {
    repositories = { "team/app" = { image_tag_mutability = "FROZEN" } }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_repository_with_a_key_alias" {
  command = plan
  variables {
    repositories = { "team/app" = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/ecr" } }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_repository_with_half_a_day" {
  command = plan
  variables {
    repositories = { "team/app" = { lifecycle_untagged_days = 1.5 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_repository_that_keeps_no_images" {
  command = plan
  variables {
    repositories = { "team/app" = { lifecycle_keep_count = 0 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_repository_with_a_short_account" {
  command = plan
  variables {
    repositories = { "team/app" = { pull_account_ids = ["12345"] } }
  }
  expect_failures = [var.repositories]
}

run "refuses_an_unknown_mutability" {
  command = plan
  variables {
    image_tag_mutability = "mutable"
  }
  expect_failures = [var.image_tag_mutability]
}

run "refuses_a_key_alias" {
  command = plan
  variables {
    kms_key_arn = "alias/ecr"
  }
  expect_failures = [var.kms_key_arn]
}

run "refuses_an_account_that_lost_its_leading_zero" {
  command = plan
  variables {
    pull_account_ids = ["12345678901"]
  }
  expect_failures = [var.pull_account_ids]
}

run "refuses_a_keep_count_below_one" {
  command = plan
  variables {
    lifecycle_keep_count = 0
  }
  expect_failures = [var.lifecycle_keep_count]
}

run "refuses_untagged_days_below_one" {
  command = plan
  variables {
    lifecycle_untagged_days = 0
  }
  expect_failures = [var.lifecycle_untagged_days]
}
