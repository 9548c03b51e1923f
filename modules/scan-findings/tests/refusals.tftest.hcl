# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id  = "111122223333"
  environment = "test"
  package     = "tests/package.zip"
  prefixes    = ["quay"]
  bucket_name = "records"
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_an_environment_with_a_space" {
  command = plan

  variables {
    environment = "my env"
  }

  expect_failures = [var.environment]
}

run "refuses_a_package_that_is_no_zip" {
  command = plan

  variables {
    package = "tests/findings.tftest.hcl"
  }

  expect_failures = [var.package]
}

run "refuses_an_unknown_scan_type" {
  command = plan

  variables {
    scan_type = "CLAIR"
  }

  expect_failures = [var.scan_type]
}

run "refuses_an_unknown_severity" {
  command = plan

  variables {
    settings = { severity = "high" }
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

run "refuses_a_bucket_in_capitals" {
  command = plan

  variables {
    bucket_name = "Bucket"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_cluster_with_a_slash" {
  command = plan

  variables {
    clusters = ["team/prod"]
  }

  expect_failures = [var.clusters]
}

run "refuses_an_alias_for_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/x"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_key_that_admits_services_and_is_not_there" {
  command = plan

  variables {
    kms_key_admits_services = true
  }

  expect_failures = [var.kms_key_admits_services]
}

run "refuses_a_queue_for_a_topic" {
  command = plan

  variables {
    settings = { topic_arn = "arn:aws:sqs:eu-west-1:111122223333:ops" }
  }

  expect_failures = [var.settings]
}

run "refuses_addresses_for_a_topic_of_others" {
  command = plan

  variables {
    settings = {
      topic_arn = "arn:aws:sns:eu-west-1:111122223333:ops"
      emails    = ["platform@example.com"]
    }
  }

  expect_failures = [var.create_topic]
}

run "refuses_a_topic_made_and_given" {
  command = plan

  variables {
    create_topic = true
    settings     = { topic_arn = "arn:aws:sns:eu-west-1:111122223333:ops" }
  }

  expect_failures = [var.create_topic]
}

run "refuses_findings_that_are_told_to_nobody" {
  command = plan

  variables {
    create_topic = false
  }

  expect_failures = [var.create_topic]
}
