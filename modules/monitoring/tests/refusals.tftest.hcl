# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  environment = "test"
}

run "refuses_an_environment_with_a_space" {
  command = plan

  variables {
    environment = "my env"
  }

  expect_failures = [var.environment]
}

run "refuses_a_name_with_a_dot" {
  command = plan

  variables {
    settings = { name = "ecr.test" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_prefix_with_a_wildcard" {
  command = plan

  variables {
    prefixes = ["quay/*"]
  }

  expect_failures = [var.prefixes]
}

run "refuses_a_repository_with_its_registry" {
  command = plan

  variables {
    repositories = ["quay.io:443/app"]
  }

  expect_failures = [var.repositories]
}

run "refuses_a_functions_arn" {
  command = plan

  variables {
    function_names = ["arn:aws:lambda:eu-west-1:111122223333:function:x"]
  }

  expect_failures = [var.function_names]
}

run "refuses_storage_of_nothing" {
  command = plan

  variables {
    settings = { storage_alarm_gib = 0 }
  }

  expect_failures = [var.settings]
}

run "refuses_no_pulls_at_all" {
  command = plan

  variables {
    settings = { pulls_alarm = 0 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_topic_made_and_given" {
  command = plan

  variables {
    create_topic = true
    settings     = { topic_arn = "arn:aws:sns:eu-west-1:111122223333:ops" }
  }

  expect_failures = [var.create_topic]
}

run "refuses_a_queue_for_a_topic" {
  command = plan

  variables {
    create_topic = false
    settings     = { topic_arn = "arn:aws:sqs:eu-west-1:111122223333:ops" }
  }

  expect_failures = [var.settings]
}

run "refuses_addresses_for_a_topic_of_others" {
  command = plan

  variables {
    create_topic = false
    settings     = { emails = ["platform@example.com"] }
  }

  expect_failures = [var.create_topic]
}
