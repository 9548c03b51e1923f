# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id  = "111122223333"
  environment = "test"
  package     = "tests/package.zip"
  prefixes    = ["quay", "docker-hub"]
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

run "refuses_a_function_without_a_bucket" {
  command = plan

  variables {
    create_bucket = false
  }

  expect_failures = [var.create_bucket]
}

run "refuses_a_package_that_is_no_zip" {
  command = plan

  variables {
    package = "tests/manager.tftest.hcl"
  }

  expect_failures = [var.package]
}

run "refuses_a_timeout_above_lambdas" {
  command = plan

  variables {
    settings = { timeout_seconds = 901 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_crontab_of_unix" {
  command = plan

  variables {
    settings = { schedule = "cron(0 2 * * *)" }
  }

  expect_failures = [var.settings]
}

run "refuses_one_days" {
  command = plan

  variables {
    settings = { schedule = "rate(1 days)" }
  }

  expect_failures = [var.settings]
}

run "refuses_two_day" {
  command = plan

  variables {
    settings = { schedule = "rate(2 day)" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_cron_expression_without_a_question_mark" {
  command = plan

  variables {
    settings = { schedule = "cron(0 2 * * * *)" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_cron_expression_with_two_question_marks" {
  command = plan

  variables {
    settings = { schedule = "cron(0 2 ? * ? *)" }
  }

  expect_failures = [var.settings]
}

run "refuses_the_25th_hour" {
  command = plan

  variables {
    settings = { schedule = "cron(0 24 * * ? *)" }
  }

  expect_failures = [var.settings]
}

run "refuses_day_0_of_the_week" {
  command = plan

  variables {
    settings = { schedule = "cron(0 2 ? * 0-4 *)" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_concurrency_of_one" {
  command = plan

  variables {
    settings = { max_concurrency = 1 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_reserve_that_the_pages_use_up" {
  command = plan

  variables {
    settings = { reserved_concurrency = 5 }
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

run "refuses_an_unknown_expire_action" {
  command = plan

  variables {
    settings = { retention = { overrides = [{ pattern = "quay/*", expire_action = "remove" }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_zero_unpulled_days" {
  command = plan

  variables {
    settings = { retention = { expire_unpulled_days = 0 } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_negative_floor" {
  command = plan

  variables {
    settings = { retention = { keep_at_least = -1 } }
  }

  expect_failures = [var.settings]
}

run "refuses_more_days_than_the_function_takes" {
  command = plan

  variables {
    settings = { retention = { overrides = [{ pattern = "quay/*", untagged_days = 36501 }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_higher_count_than_the_function_takes" {
  command = plan

  variables {
    settings = { retention = { keep_at_least = 100001 } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_ceiling_below_the_floor" {
  command = plan

  variables {
    settings = { retention = { keep_at_least = 3, overrides = [{ pattern = "quay/*", keep_at_most = 2 }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_an_overrides_floor_above_the_ceiling_of_the_default" {
  command = plan

  variables {
    settings = { retention = { keep_at_most = 3, overrides = [{ pattern = "quay/*", keep_at_least = 5 }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_pattern_that_is_there_twice" {
  command = plan

  variables {
    settings = { retention = { overrides = [{ pattern = "quay/*", never = true }, { pattern = "quay/*", keep_at_most = 3 }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_pattern_with_a_registry" {
  command = plan

  variables {
    settings = { retention = { overrides = [{ pattern = "Quay.io:443/*", never = true }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_a_protected_image_with_its_registry" {
  command = plan

  variables {
    settings = { retention = { protect = { repositories = ["quay.io/team/app:1"] } } }
  }

  expect_failures = [var.settings]
}

run "refuses_more_retention_than_lambda_holds" {
  command = plan

  variables {
    settings = { retention = { overrides = [for number in range(100) : { pattern = "docker-hub/library/image-${number}", never = true }] } }
  }

  expect_failures = [var.settings]
}

run "refuses_an_unknown_native_policy" {
  command = plan

  variables {
    settings = { native_policy = "all" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_cluster_with_a_slash" {
  command = plan

  variables {
    settings = { clusters = ["team/prod"] }
  }

  expect_failures = [var.settings]
}

run "refuses_cache_only_without_a_rule" {
  command = plan

  variables {
    settings = { cache_only = ["docker-hub", "elsewhere"] }
  }

  expect_failures = [var.settings]
}

run "refuses_snapshots_of_two_months" {
  command = plan

  variables {
    settings = { snapshot_max_age_hours = 1440 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_fraction_in_percent" {
  command = plan

  variables {
    settings = { max_expire_fraction_account = 25 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_bucket_in_capitals" {
  command = plan

  variables {
    bucket_name = "Bucket"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_like_an_address" {
  command = plan

  variables {
    bucket_name = "192.168.5.4"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_with_a_reserved_end" {
  command = plan

  variables {
    bucket_name = "audit--x-s3"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_an_alias_for_a_key" {
  command = plan

  variables {
    settings = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/x" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_key_that_admits_services_and_is_not_there" {
  command = plan

  variables {
    settings = { kms_key_admits_services = true }
  }

  expect_failures = [var.settings]
}

run "refuses_an_audit_log_of_a_week" {
  command = plan

  variables {
    settings = { audit_retention_days = 7 }
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

run "refuses_alarms_that_tell_nobody" {
  command = plan

  variables {
    create_topic = false
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
    settings = {
      topic_arn = "arn:aws:sns:eu-west-1:111122223333:ops"
      emails    = ["platform@example.com"]
    }
  }

  expect_failures = [var.create_topic]
}

run "refuses_silence_of_eight_days" {
  command = plan

  variables {
    settings = { silence_days = 8 }
  }

  expect_failures = [var.settings]
}

run "refuses_silence_shorter_than_the_time_between_two_runs" {
  command = plan

  variables {
    settings = { schedule = "rate(3 days)" }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.silent]
}

run "refuses_a_negative_number_of_failures" {
  command = plan

  variables {
    settings = { upstream_sync_failures = -1 }
  }

  expect_failures = [var.settings]
}

run "refuses_a_usage_role_that_nobody_assumes" {
  command = plan

  variables {
    usage_role = { cluster = "test" }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_malformed_oidc_provider" {
  command = plan

  variables {
    usage_role = { cluster = "test", oidc_provider_arn = "https://oidc.example.com" }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_service_account_with_a_wildcard" {
  command = plan

  variables {
    usage_role = { cluster = "test", pod_identity = true, service_account = "*" }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_usage_role_for_a_cluster_with_a_slash" {
  command = plan

  variables {
    usage_role = { cluster = "a/b", pod_identity = true }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_usage_role_with_a_path" {
  command = plan

  variables {
    usage_role = { cluster = "test", pod_identity = true, role_name = "a/b" }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_snapshot_with_a_slash" {
  command = plan

  variables {
    usage_role = { cluster = "test", pod_identity = true, snapshot_name = "a/b" }
  }

  expect_failures = [var.usage_role]
}

run "refuses_a_writer_that_is_an_account" {
  command = plan

  variables {
    settings = { snapshot_writers = { prod = "arn:aws:iam::444455556666:root" } }
  }

  expect_failures = [var.settings]
}

run "refuses_records_that_are_kept_and_destroyed" {
  command = plan

  variables {
    settings = { keep_records = true, force_destroy_records = true }
  }

  expect_failures = [var.settings]
}
