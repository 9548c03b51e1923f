# One failing run for each check of a variable. Run in a workspace called test: TF_WORKSPACE=test terraform test

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

run "refuses_another_environments_workspace" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.environment]
}

run "refuses_a_kubernetes_version_with_a_patch" {
  command = plan

  variables {
    kubernetes_version = "1.33.2"
  }

  expect_failures = [var.kubernetes_version]
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_an_availability_zone_as_region" {
  command = plan

  variables {
    aws_region = "us-east-1a"
  }

  expect_failures = [var.aws_region]
}

run "refuses_a_role_name_instead_of_its_arn" {
  command = plan

  variables {
    assume_role_arn = "deployer"
  }

  expect_failures = [var.assume_role_arn]
}

run "refuses_an_unknown_failure_policy" {
  command = plan

  variables {
    failure_policy = "Warn"
  }

  expect_failures = [var.failure_policy]
}

run "refuses_a_worker_role_prefix_on_eks" {
  command = plan

  variables {
    worker_role_prefix = "ManagedOpenShift"
  }

  expect_failures = [var.worker_role_prefix]
}

run "refuses_machine_pools_on_eks" {
  command = plan

  variables {
    machine_pools = { workers = { instance_profile = "rosa-workers" } }
  }

  expect_failures = [var.machine_pools]
}

run "refuses_node_roles_on_rosa" {
  command = plan

  variables {
    platform        = "rosa-hcp"
    node_role_names = ["dev-node"]
  }

  expect_failures = [var.node_role_names]
}

run "refuses_fargate_roles_on_rosa" {
  command = plan

  variables {
    platform                     = "rosa-hcp"
    fargate_execution_role_names = ["dev-fargate"]
  }

  expect_failures = [var.fargate_execution_role_names]
}

run "refuses_a_lifecycle_manager_of_another_accounts_registry" {
  command = plan

  variables {
    registry_account_id = "999988887777"
    manage_registry     = false
    lifecycle_manager   = { enabled = true }
  }

  expect_failures = [var.lifecycle_manager]
}

run "refuses_records_of_another_accounts_registry" {
  command = plan

  variables {
    registry_account_id = "999988887777"
    manage_registry     = false
    lifecycle_manager   = { keep_records = true }
  }

  expect_failures = [var.lifecycle_manager]
}

run "refuses_scan_findings_of_a_registry_that_another_environment_manages" {
  command = plan

  variables {
    manage_registry = false
    scan_findings   = { enabled = true }
  }

  expect_failures = [var.scan_findings]
}

run "refuses_an_aws_provider_of_the_fourth_line" {
  command = plan

  variables {
    aws_provider_version = "4"
  }

  expect_failures = [var.aws_provider_version]
}

run "refuses_a_queue_of_copies_where_the_registry_is_anothers" {
  command = plan

  variables {
    registry_account_id = "444455556666"
    mirror_queue        = { enabled = true }
  }

  expect_failures = [var.mirror_queue]
}

run "refuses_a_shared_webhook_where_the_registry_is_anothers" {
  command = plan

  variables {
    registry_account_id = "444455556666"
    image_swapper       = { enabled = true }
  }

  expect_failures = [var.image_swapper]
}
