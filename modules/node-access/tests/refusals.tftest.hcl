# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  name     = "dev"
  registry = { account_id = "111122223333", region = "us-east-1" }
}

run "refuses_a_name_that_iam_refuses" {
  command = plan

  variables {
    name = "my cluster"
  }

  expect_failures = [var.name]
}

run "refuses_the_arn_of_a_node_role" {
  command = plan

  variables {
    node_role_names = ["arn:aws:iam::111122223333:role/node"]
  }

  expect_failures = [var.node_role_names]
}

run "refuses_the_arn_of_a_fargate_role" {
  command = plan

  variables {
    fargate_execution_role_names = ["arn:aws:iam::111122223333:role/fargate"]
  }

  expect_failures = [var.fargate_execution_role_names]
}

run "refuses_a_worker_role_prefix_that_is_too_long" {
  command = plan

  variables {
    worker_role_prefix = join("", [for number in range(53) : "x"])
  }

  expect_failures = [var.worker_role_prefix]
}

run "refuses_a_worker_role_instead_of_its_prefix" {
  command = plan

  variables {
    worker_role_prefix = "ManagedOpenShift-Worker-Role"
  }

  expect_failures = [var.worker_role_prefix]
}

run "refuses_the_arn_of_an_instance_profile" {
  command = plan

  variables {
    machine_pools = { workers = { instance_profile = "arn:aws:iam::111122223333:instance-profile/workers" } }
  }

  expect_failures = [var.machine_pools]
}

run "refuses_a_registry_account_of_11_digits" {
  command = plan

  variables {
    registry = { account_id = "11112222333", region = "us-east-1" }
  }

  expect_failures = [var.registry]
}

run "refuses_a_registry_region_that_is_none" {
  command = plan

  variables {
    registry = { account_id = "111122223333", region = "*" }
  }

  expect_failures = [var.registry]
}

run "refuses_another_registry_that_is_none" {
  command = plan

  variables {
    other_registries = [{ account_id = "*", region = "us-east-1" }]
  }

  expect_failures = [var.other_registries]
}

run "refuses_a_wildcard_as_pull_through_prefix" {
  command = plan

  variables {
    pull_through_prefixes = ["*"]
  }

  expect_failures = [var.pull_through_prefixes]
}

run "refuses_a_managed_policy_that_pushes" {
  command = plan

  variables {
    managed_policy_name = "AmazonEC2ContainerRegistryPowerUser"
  }

  expect_failures = [var.managed_policy_name]
}

run "refuses_an_arn_among_the_roles_by_key" {
  command = plan

  variables {
    node_roles = { workers = "arn:aws:iam::111122223333:role/workers" }
  }

  expect_failures = [var.node_roles]
}

run "refuses_a_key_that_is_another_roles_name" {
  command = plan

  variables {
    node_role_names = ["dev-node"]
    node_roles      = { dev-node = "other" }
  }

  expect_failures = [var.node_roles]
}
