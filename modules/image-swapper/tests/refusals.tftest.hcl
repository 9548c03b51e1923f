# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id = "111122223333"
  name       = "ecr-swapper-dev"
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_name_with_a_dot" {
  command = plan

  variables {
    name = "ecr.swapper"
  }

  expect_failures = [var.name]
}

run "refuses_a_prefix_with_a_wildcard" {
  command = plan

  variables {
    prefixes = ["red*"]
  }

  expect_failures = [var.prefixes]
}

run "refuses_an_alias_of_a_key" {
  command = plan

  variables {
    repository_kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/images"
  }

  expect_failures = [var.repository_kms_key_arn]
}

run "refuses_a_boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "refuses_pods_that_nobody_trusts" {
  command = plan

  variables {
    pods = { cluster = "dev" }
  }

  expect_failures = [var.pods]
}

run "refuses_a_provider_that_is_a_role" {
  command = plan

  variables {
    pods = { cluster = "dev", oidc_provider_arn = "arn:aws:iam::111122223333:role/oidc" }
  }

  expect_failures = [var.pods]
}

run "refuses_a_namespace_with_a_wildcard" {
  command = plan

  variables {
    pods = { cluster = "dev", pod_identity = true, namespace = "ci-*" }
  }

  expect_failures = [var.pods]
}

run "refuses_the_arn_of_a_cluster" {
  command = plan

  variables {
    pods = { cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/dev", pod_identity = true }
  }

  expect_failures = [var.pods]
}

run "first_pulls_through_a_prefix_that_ends_in_a_slash" {
  command = plan

  variables {
    first_pull_prefixes = ["quay/"]
  }

  expect_failures = [var.first_pull_prefixes]
}
