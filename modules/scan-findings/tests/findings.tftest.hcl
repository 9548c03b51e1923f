# What the module makes of its input.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/role" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:ecr-scan-findings" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:topic" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:111122223333:rule/rule" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ecr-scan-findings" }
  }
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
    condition     = jsondecode(aws_cloudwatch_event_rule.this["cached"].event_pattern).detail == { sync-status = ["SUCCESS"] }
    error_message = "wrong pattern"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Scan"] == [["arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition = aws_lambda_function.this[0].environment[0].variables == tomap({
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
    condition     = output.event_rules == tolist(["ecr-scan-findings-initial", "ecr-scan-findings-inspector"]) && !strcontains(output.policy, "ecr:StartImageScan")
    error_message = "it would start scans: ${output.policy}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["inspector"].event_pattern).detail == { status = ["ACTIVE"], resources = { type = ["AWS_ECR_CONTAINER_IMAGE"] } }
    error_message = "it would report findings of machines, or closed ones"
  }
}

run "it_writes_its_memory_only" {
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Reported"] == [["arn:aws:s3:::records/cache/findings/*"]] && length([for statement in jsondecode(output.policy).Statement : statement.Sid if contains(statement.Resource, "*")]) == 0
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
    condition     = aws_sns_topic_subscription.email["security@example.com"].topic_arn == output.topic_arn && aws_cloudwatch_metric_alarm.errors[0].alarm_actions == toset([output.topic_arn])
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
    condition     = length(aws_lambda_function.this) + length(aws_iam_role.this) + length(aws_sns_topic.this) + length(aws_cloudwatch_event_rule.this) + length(aws_cloudwatch_log_group.this) + length(aws_cloudwatch_metric_alarm.errors) == 0 && output.topic_arn == null
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
