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
    condition     = output.event_rules == tolist(["ecr-scan-findings-cached", "ecr-scan-findings-scan"]) && sort(keys(aws_cloudwatch_event_target.this)) == tolist(["cached", "scan"]) && sort(keys(aws_lambda_permission.events)) == tolist(["cached", "scan"])
    error_message = "wrong events: ${jsonencode(output.event_rules)}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["cached"].event_pattern).detail == { sync-status = ["SUCCESS"] } && jsondecode(aws_cloudwatch_event_rule.this["scan"].event_pattern).detail == { scan-status = ["COMPLETE"] }
    error_message = "wrong pattern"
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.this : jsondecode(rule.event_pattern).account == ["111122223333"]])
    error_message = "events that were forwarded from other accounts would be taken"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Scan"] == [["arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition = aws_lambda_function.this[0].environment[0].variables == tomap({
      ACCOUNT_ID  = "111122223333"
      BUCKET      = "records"
      CLUSTERS    = "[]"
      ENVIRONMENT = "test"
      ROUTES      = jsonencode([{ prefix = "quay", source = "quay.io" }])
      SCAN_TYPE   = "BASIC"
      SEVERITY    = "HIGH"
      TOPIC_ARN   = "arn:aws:sns:eu-west-1:111122223333:topic"
    })
    error_message = "wrong settings: ${jsonencode(aws_lambda_function.this[0].environment[0].variables)}"
  }

  assert {
    condition     = aws_lambda_function.this[0].handler == "scan_findings.handler.handle" && aws_lambda_function.this[0].source_code_hash == filebase64sha256("tests/package.zip") && aws_cloudwatch_log_group.this[0].retention_in_days == 14
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
    condition     = jsondecode(aws_cloudwatch_event_rule.this["inspector"].event_pattern).detail == { awsAccountId = ["111122223333"], resources = { type = ["AWS_ECR_CONTAINER_IMAGE"] }, severity = ["HIGH", "CRITICAL"], status = ["ACTIVE", "CLOSED"] }
    error_message = "it would be called for findings of machines, those below its severity or of member accounts, or not hear of closed ones"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["initial"].event_pattern).detail.repository-name == [{ prefix = "arn:aws:ecr:eu-west-1:111122223333:repository/" }]
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
    severity  = "INFORMATIONAL"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["inspector"].event_pattern).detail.severity == ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
    error_message = "wrong severities"
  }
}

run "what_it_could_not_take_is_kept_and_alarms" {
  assert {
    condition     = aws_lambda_function_event_invoke_config.this[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.dead[0].arn && alltrue([for target in aws_cloudwatch_event_target.this : target.dead_letter_config[0].arn == aws_sqs_queue.dead[0].arn])
    error_message = "events are lost"
  }

  assert {
    condition     = [for statement in jsondecode(aws_sqs_queue.dead[0].policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Sid == "UndeliveredEvents"] == [["arn:aws:events:eu-west-1:111122223333:rule/ecr-scan-findings-cached", "arn:aws:events:eu-west-1:111122223333:rule/ecr-scan-findings-scan"]]
    error_message = "EventBridge may not write, or somebody else may: ${aws_sqs_queue.dead[0].policy}"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "DeadLetters"] == [[aws_sqs_queue.dead[0].arn]]
    error_message = "Lambda hands over failures with the function's rights, which lack it: ${output.policy}"
  }

  assert {
    condition     = output.alarm_names == tolist(["ecr-scan-findings-dead-letters", "ecr-scan-findings-errors"]) && aws_cloudwatch_metric_alarm.this["dead-letters"].dimensions.QueueName == aws_sqs_queue.dead[0].name
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
    condition     = aws_sns_topic.this[0].kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead[0].kms_master_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this[0].kms_key_id == var.kms_key_arn
    error_message = "the key is not used"
  }
}

run "a_key_that_lets_no_services_in_mutes_nothing" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/x"
  }

  assert {
    condition     = aws_sns_topic.this[0].kms_master_key_id == null && aws_sqs_queue.dead[0].sqs_managed_sse_enabled && aws_cloudwatch_log_group.this[0].kms_key_id == null
    error_message = "CloudWatch could not publish, or EventBridge not write"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Key"] == [["arn:aws:kms:eu-west-1:111122223333:key/x"]]
    error_message = "the function could not read the bucket"
  }
}

run "concurrency_is_reserved_on_request" {
  variables {
    reserved_concurrency = 5
  }

  assert {
    condition     = aws_lambda_function.this[0].reserved_concurrent_executions == 5
    error_message = "nothing is reserved"
  }
}

run "without_a_request_no_concurrency_is_reserved" {
  assert {
    condition     = aws_lambda_function.this[0].reserved_concurrent_executions == -1
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
    topic_arn = "arn:aws:sns:eu-west-1:111122223333:security"
  }

  assert {
    condition     = length(aws_sns_topic.this) == 0 && output.topic_arn == "arn:aws:sns:eu-west-1:111122223333:security" && [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Report"] == [["arn:aws:sns:eu-west-1:111122223333:security"]]
    error_message = "another topic"
  }
}

run "addresses_are_subscribed" {
  variables {
    emails = ["security@example.com"]
  }

  assert {
    condition     = aws_sns_topic_subscription.email["security@example.com"].topic_arn == output.topic_arn && length(aws_cloudwatch_metric_alarm.this) > 0
    error_message = "nobody is told"
  }
}

run "nothing_is_made_when_it_is_off" {
  command = plan

  variables {
    create_function = false
    package         = "tests/absent.zip"
  }

  assert {
    condition     = length(aws_lambda_function.this) + length(aws_iam_role.this) + length(aws_sns_topic.this) + length(aws_cloudwatch_event_rule.this) + length(aws_cloudwatch_log_group.this) + length(aws_cloudwatch_metric_alarm.this) + length(aws_sqs_queue.dead) + length(aws_lambda_function_event_invoke_config.this) == 0 && output.topic_arn == null
    error_message = "something is made unasked"
  }
}

run "a_missing_package_names_the_command_that_makes_it" {
  command = plan

  variables {
    package = "tests/absent.zip"
  }

  expect_failures = [aws_lambda_function.this]
}
