mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id = "111122223333"
  name       = "tidy"
  component  = "lifecycle-manager"
  package    = "tests/package.zip"

  variables          = { MODE = "careful" }
  resource_variables = { QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/pages" }
  statements = [
    { Sid = "Look", Action = ["ecr:DescribeImages"], Resource = ["*"] },
    { Sid = "Nothing", Action = ["inspector2:ListCoverage"], Resource = [] },
  ]
  events = {
    schedule = { description = "Daily", schedule = "rate(1 day)" }
    pushed   = { pattern = "{\"source\":[\"aws.ecr\"]}" }
  }
}

run "it_runs_the_handler_of_its_component_with_a_log_of_14_days" {
  assert {
    condition     = aws_lambda_function.this.handler == "lifecycle_manager.handler.handle" && aws_lambda_function.this.runtime == "python3.12" && aws_lambda_function.this.source_code_hash == filebase64sha256("tests/package.zip")
    error_message = "another function, or changed code would not be deployed"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/tidy" && aws_cloudwatch_log_group.this.retention_in_days == 14
    error_message = "wrong log"
  }

  assert {
    condition     = output.variables == tomap({ MODE = "careful", QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/pages" })
    error_message = "wrong variables: ${jsonencode(output.variables)}"
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "concurrency is reserved unasked"
  }
}

run "each_event_has_a_rule_a_target_and_the_right_to_call" {
  assert {
    condition     = jsonencode(output.events) == jsonencode({ pushed = { name = "tidy-pushed", schedule = null, pattern = "{\"source\":[\"aws.ecr\"]}" }, schedule = { name = "tidy-schedule", schedule = "rate(1 day)", pattern = null } })
    error_message = "wrong rules: ${jsonencode(output.events)}"
  }

  assert {
    condition     = alltrue([for key in ["pushed", "schedule"] : aws_cloudwatch_event_target.this[key].target_id == "lifecycle-manager" && aws_lambda_permission.events[key].source_arn == aws_cloudwatch_event_rule.this[key].arn])
    error_message = "a rule without target, or without the right to call"
  }
}

run "what_it_could_not_take_is_kept" {
  assert {
    condition     = aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == output.dead_letters.arn && alltrue([for target in aws_cloudwatch_event_target.this : target.dead_letter_config[0].arn == output.dead_letters.arn])
    error_message = "events are lost"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead.policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == [for key in ["pushed", "schedule"] : "arn:aws:events:eu-west-1:111122223333:rule/tidy-${key}"]
    error_message = "EventBridge may not write, or somebody else may: ${aws_sqs_queue.dead.policy}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead.policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } } && aws_sqs_queue.dead.message_retention_seconds == 1209600 && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "the queue is not encrypted, or forgets"
  }
}

run "it_may_do_what_is_said_and_write_its_log_and_dead_letters" {
  assert {
    condition = { for statement in jsondecode(output.policy).Statement : statement.Sid => statement.Resource } == {
      Look        = ["*"]
      DeadLetters = ["arn:aws:sqs:eu-west-1:111122223333:tidy-dead-letters"]
      Log         = ["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/tidy:*"]
    }
    error_message = "wrong rights: ${output.policy}"
  }
}

run "a_key_is_used_by_services_only_when_it_admits_them" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/0123"
  }

  assert {
    condition     = output.kms_key_arn == null && aws_cloudwatch_log_group.this.kms_key_id == null && aws_sqs_queue.dead.sqs_managed_sse_enabled && [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Key"] == [["arn:aws:kms:eu-west-1:111122223333:key/0123"]]
    error_message = "the log would be refused, or the function may not use its key"
  }
}

run "a_key_that_admits_services_is_that_of_log_and_queue" {
  variables {
    kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/0123"
    kms_key_admits_services = true
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_sqs_queue.dead.kms_master_key_id == var.kms_key_arn
    error_message = "the key is not used"
  }
}

run "it_keeps_concurrency_and_a_boundary_that_are_asked_for" {
  variables {
    settings = { reserved_concurrency = 5, permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary" }
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 5 && aws_iam_role.this.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"
    error_message = "settings are lost"
  }
}

run "a_missing_package_is_said_before_anything_is_made" {
  command = plan

  variables {
    package = "tests/absent.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "variables_that_lambda_does_not_take_are_said_before_anything_is_made" {
  command = plan

  variables {
    variables = { LONG = join("", [for number in range(400) : "0123456789"]) }
  }

  expect_failures = [aws_lambda_function.this]
}
