# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id = "111122223333"
  name       = "tidy-alarms"
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
    name = "tidy.alarms"
  }

  expect_failures = [var.name]
}

run "refuses_a_topic_as_alarm" {
  command = plan

  variables {
    alarm_arn_pattern = "arn:aws:sns:eu-west-1:111122223333:topic"
  }

  expect_failures = [var.alarm_arn_pattern]
}

run "refuses_a_keys_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/x"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_name_for_an_address" {
  command = plan

  variables {
    emails = ["platform"]
  }

  expect_failures = [var.emails]
}
