mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id = "111122223333"
  name       = "tidy-alarms"
}

run "alarms_of_the_account_may_publish_and_nobody_without_tls" {
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : [statement.Effect, statement.Condition]] == [["Allow", { StringEquals = { "aws:SourceAccount" = "111122223333" } }], ["Deny", { Bool = { "aws:SecureTransport" = "false" } }]]
    error_message = "wrong policy: ${output.policy}"
  }

  assert {
    condition     = output.kms_key_arn == null && length(output.emails) == 0
    error_message = "a key of AWS's own would keep CloudWatch from publishing"
  }
}

run "only_alarms_of_a_pattern_may_publish" {
  variables {
    alarm_arn_pattern = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:tidy-*"
  }

  assert {
    condition     = jsondecode(output.policy).Statement[0].Condition == { ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:tidy-*" } }
    error_message = "other alarms may publish: ${output.policy}"
  }
}

run "addresses_are_subscribed_and_a_key_is_used" {
  variables {
    emails      = ["platform@example.com", "ops@example.com"]
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/0123"
  }

  assert {
    condition     = output.emails == tolist(["ops@example.com", "platform@example.com"]) && aws_sns_topic_subscription.email["ops@example.com"].protocol == "email" && aws_sns_topic.this.kms_master_key_id == var.kms_key_arn
    error_message = "nobody is told, or in the clear"
  }
}
