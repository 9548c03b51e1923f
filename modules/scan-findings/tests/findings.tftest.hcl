# What the module makes of its input.

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

run "basic_scanning_starts_scans_and_reads_their_findings" {
  variables {
    routes = [{ prefix = "quay", source = "quay.io" }]
  }

  assert {
    condition     = output.event_rules == tolist(["ecr-scan-findings-cached", "ecr-scan-findings-scan"])
    error_message = "wrong events: ${jsonencode(output.event_rules)}"
  }

  assert {
    condition     = jsondecode(module.function[0].events["cached"].pattern).detail == { sync-status = ["SUCCESS"] } && jsondecode(module.function[0].events["scan"].pattern).detail == { scan-status = ["COMPLETE"] }
    error_message = "wrong pattern"
  }

  assert {
    condition     = alltrue([for rule in module.function[0].events : jsondecode(rule.pattern).account == ["111122223333"]])
    error_message = "events that were forwarded from other accounts would be taken"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Scan"] == [["arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition = module.function[0].variables == tomap({
      ACCOUNT_ID  = "111122223333"
      BUCKET      = "records"
      CLUSTERS    = "[]"
      ENVIRONMENT = "test"
      ROUTES      = jsonencode([{ prefix = "quay", source = "quay.io" }])
      SCAN_TYPE   = "BASIC"
      SEVERITY    = "HIGH"
      TOPIC_ARN   = "arn:aws:sns:eu-west-1:111122223333:topic"
    })
    error_message = "wrong settings: ${jsonencode(module.function[0].variables)}"
  }

  assert {
    condition     = module.function[0].settings.timeout_seconds == 50 && module.function[0].settings.memory_mb == 256 && module.function[0].settings.log_retention_days == 14
    error_message = "wrong function"
  }
}

run "enhanced_scanning_has_nothing_to_start" {
  variables {
    scan_type = "ENHANCED"
  }

  assert {
    condition     = output.event_rules == tolist(["ecr-scan-findings-cached", "ecr-scan-findings-initial", "ecr-scan-findings-inspector"]) && !strcontains(output.policy, "ecr:StartImageScan")
    error_message = "it would start scans: ${output.policy}"
  }

  assert {
    condition     = jsondecode(module.function[0].events["inspector"].pattern).detail == { awsAccountId = ["111122223333"], resources = { type = ["AWS_ECR_CONTAINER_IMAGE"] }, severity = ["HIGH", "CRITICAL"], status = ["ACTIVE", "CLOSED"] }
    error_message = "it would be called for findings of machines, those below its severity or of member accounts, or not hear of closed ones"
  }

  assert {
    condition     = jsondecode(module.function[0].events["initial"].pattern).detail.repository-name == [{ prefix = "arn:aws:ecr:eu-west-1:111122223333:repository/" }]
    error_message = "it would be called for the images of member accounts"
  }
}

run "the_images_of_a_cached_index_are_known_whoever_scans" {
  variables {
    scan_type = "ENHANCED"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : [statement.Action, statement.Resource] if statement.Sid == "Indexes"] == [[["ecr:BatchGetImage", "ecr:DescribeImages"], ["arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]]]
    error_message = "an index could not be read, or those of others could: ${output.policy}"
  }
}

run "with_the_least_severity_every_finding_calls" {
  variables {
    scan_type = "ENHANCED"
    settings  = { severity = "INFORMATIONAL" }
  }

  assert {
    condition     = jsondecode(module.function[0].events["inspector"].pattern).detail.severity == ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
    error_message = "wrong severities"
  }
}

run "what_it_could_not_take_is_kept_and_alarms" {
  assert {
    condition     = output.alarm_names == tolist(["ecr-scan-findings-dead-letters", "ecr-scan-findings-errors"]) && aws_cloudwatch_metric_alarm.this["dead-letters"].dimensions.QueueName == module.function[0].dead_letters.name
    error_message = "wrong alarms: ${jsonencode(output.alarm_names)}"
  }
}

run "alarms_say_when_they_fire_and_not_when_they_end" {
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([output.topic_arn]) && length(coalesce(alarm.ok_actions, [])) == 0])
    error_message = "an alarm that tells nobody, or twice"
  }
}

run "services_use_the_key_when_its_policy_lets_them" {
  variables {
    kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/x"
    kms_key_admits_services = true
  }

  assert {
    condition     = module.alarm_topic[0].kms_key_arn == var.kms_key_arn && module.function[0].kms_key_arn == var.kms_key_arn
    error_message = "the key is not used"
  }
}

run "a_key_that_lets_no_services_in_mutes_nothing" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/x"
  }

  assert {
    condition     = module.alarm_topic[0].kms_key_arn == null && module.function[0].kms_key_arn == null
    error_message = "CloudWatch could not publish, or EventBridge not write"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Key"] == [["arn:aws:kms:eu-west-1:111122223333:key/x"]]
    error_message = "the function could not read the bucket"
  }
}

run "concurrency_is_reserved_on_request" {
  variables {
    settings = { reserved_concurrency = 5 }
  }

  assert {
    condition     = module.function[0].settings.reserved_concurrency == 5
    error_message = "nothing is reserved"
  }
}

run "without_a_request_no_concurrency_is_reserved" {
  assert {
    condition     = module.function[0].settings.reserved_concurrency == null
    error_message = "it takes concurrency from others"
  }
}

run "it_writes_its_memory_only" {
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Reported"] == [["arn:aws:s3:::records/findings/*"]] && length([for statement in jsondecode(output.policy).Statement : statement.Sid if contains(statement.Resource, "*")]) == 0
    error_message = "wrong rights: ${output.policy}"
  }
}

run "a_given_topic_is_used" {
  variables {
    settings = { topic_arn = "arn:aws:sns:eu-west-1:111122223333:security" }
  }

  assert {
    condition     = length(module.alarm_topic) == 0 && output.topic_arn == "arn:aws:sns:eu-west-1:111122223333:security" && [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Report"] == [["arn:aws:sns:eu-west-1:111122223333:security"]]
    error_message = "another topic"
  }
}

run "addresses_are_subscribed" {
  variables {
    settings = { emails = ["security@example.com"] }
  }

  assert {
    condition     = module.alarm_topic[0].emails == tolist(["security@example.com"]) && module.alarm_topic[0].arn == output.topic_arn && length(aws_cloudwatch_metric_alarm.this) > 0
    error_message = "nobody is told"
  }
}
