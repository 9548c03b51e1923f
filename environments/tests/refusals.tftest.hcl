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

run "refuses_a_cluster_name_with_a_space" {
  command = plan

  variables {
    cluster_name = "my cluster"
  }

  expect_failures = [var.cluster_name]
}

run "refuses_an_unknown_platform" {
  command = plan

  variables {
    platform = "gke"
  }

  expect_failures = [var.platform]
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

run "refuses_an_unknown_mutability" {
  command = plan

  variables {
    image_tag_mutability = "FROZEN"
  }

  expect_failures = [var.image_tag_mutability]
}

run "refuses_half_a_day" {
  command = plan

  variables {
    lifecycle_untagged_days = 0.5
  }

  expect_failures = [var.lifecycle_untagged_days]
}

run "refuses_keeping_no_image" {
  command = plan

  variables {
    lifecycle_keep_count = 0
  }

  expect_failures = [var.lifecycle_keep_count]
}

run "refuses_a_pulling_account_of_11_digits" {
  command = plan

  variables {
    pull_account_ids = ["44445555666"]
  }

  expect_failures = [var.pull_account_ids]
}

run "refuses_an_endpoint_registry_that_is_no_account" {
  command = plan

  variables {
    endpoint_registry_account_ids = ["70982598565"]
  }

  expect_failures = [var.endpoint_registry_account_ids]
}

run "refuses_an_arn_for_an_endpoint_bucket" {
  command = plan

  variables {
    endpoint_s3_bucket_names = ["arn:aws:s3:::assets"]
  }

  expect_failures = [var.endpoint_s3_bucket_names]
}

run "refuses_endpoints_without_vpc" {
  command = plan

  variables {
    create_vpc_endpoints = true
    private_subnet_ids   = ["subnet-0123456789abcdef0"]
    vpc_cidr             = "10.0.0.0/16"
  }

  expect_failures = [var.vpc_id]
}

run "refuses_endpoints_without_subnets" {
  command = plan

  variables {
    create_vpc_endpoints = true
    vpc_id               = "vpc-0123456789abcdef0"
    vpc_cidr             = "10.0.0.0/16"
  }

  expect_failures = [var.private_subnet_ids]
}

run "refuses_endpoints_that_admit_nobody" {
  command = plan

  variables {
    create_vpc_endpoints = true
    vpc_id               = "vpc-0123456789abcdef0"
    private_subnet_ids   = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.vpc_cidr]
}

run "refuses_an_unknown_endpoint" {
  command = plan

  variables {
    extra_vpc_endpoints = ["ec2"]
  }

  expect_failures = [var.extra_vpc_endpoints]
}

run "refuses_an_s3_gateway_without_route_tables" {
  command = plan

  variables {
    create_vpc_endpoints = true
    vpc_id               = "vpc-0123456789abcdef0"
    private_subnet_ids   = ["subnet-0123456789abcdef0"]
    vpc_cidr             = "10.0.0.0/16"
    extra_vpc_endpoints  = ["s3"]
  }

  expect_failures = [var.private_route_table_ids]
}

run "refuses_an_unknown_failure_policy" {
  command = plan

  variables {
    failure_policy = "Warn"
  }

  expect_failures = [var.failure_policy]
}

run "refuses_a_registry_account_of_11_digits" {
  command = plan

  variables {
    registry_account_id = "11112222333"
  }

  expect_failures = [var.registry_account_id]
}

run "refuses_a_registry_in_an_availability_zone" {
  command = plan

  variables {
    registry_region = "us-east-1a"
  }

  expect_failures = [var.registry_region]
}

run "refuses_itself_as_consumer" {
  command = plan

  variables {
    registry_consumer_account_ids = ["111122223333"]
  }

  expect_failures = [var.registry_consumer_account_ids]
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

run "refuses_records_that_are_kept_and_destroyed" {
  command = plan

  variables {
    lifecycle_manager = { keep_records = true, force_destroy_records = true }
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
