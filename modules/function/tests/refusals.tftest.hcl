# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id = "111122223333"
  name       = "tidy"
  component  = "lifecycle-manager"
  package    = "tests/package.zip"
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_name_of_41_characters" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "refuses_a_component_with_an_underscore" {
  command = plan

  variables {
    component = "lifecycle_manager"
  }

  expect_failures = [var.component]
}

run "refuses_a_package_that_is_no_zip" {
  command = plan

  variables {
    package = "tests/function.tftest.hcl"
  }

  expect_failures = [var.package]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    settings = { architecture = "amd64" }
  }

  expect_failures = [var.settings]
}

run "refuses_too_little_memory" {
  command = plan

  variables {
    settings = { memory_mb = 64 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_timeout_above_lambdas" {
  command = plan

  variables {
    settings = { timeout_seconds = 901 }
  }

  expect_failures = [var.settings]
}

run "refuses_concurrency_that_lets_nothing_run" {
  command = plan

  variables {
    settings = { reserved_concurrency = 0 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_log_retention_that_cloudwatch_has_not" {
  command = plan

  variables {
    settings = { log_retention_days = 15 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_role_as_permissions_boundary" {
  command = plan

  variables {
    settings = { permissions_boundary_arn = "arn:aws:iam::111122223333:role/x" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_statement_without_action" {
  command = plan

  variables {
    statements = [{ Sid = "None", Action = [], Resource = ["*"] }]
  }

  expect_failures = [var.statements]
}

run "refuses_an_event_with_schedule_and_pattern" {
  command = plan

  variables {
    events = { both = { schedule = "rate(1 day)", pattern = "{}" } }
  }

  expect_failures = [var.events]
}

run "refuses_an_event_with_a_dot_in_its_name" {
  command = plan

  variables {
    events = { "a.b" = { schedule = "rate(1 day)" } }
  }

  expect_failures = [var.events]
}

run "refuses_a_keys_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/x"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_services_on_a_key_that_is_not_there" {
  command = plan

  variables {
    kms_key_admits_services = true
  }

  expect_failures = [var.kms_key_admits_services]
}
