# What the module makes of its input.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/ecr-lifecycle-manager-eu-west-1" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:ecr-lifecycle-manager" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:queue", url = "https://sqs.eu-west-1.amazonaws.com/111122223333/queue" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:ecr-lifecycle-manager-alarms" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:111122223333:rule/rule" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ecr-lifecycle-manager" }
  }
}

variables {
  account_id  = "111122223333"
  environment = "test"
  package     = "tests/package.zip"
  prefixes    = ["quay", "docker-hub"]
}

run "it_runs_daily_at_two_with_a_log_of_14_days" {
  assert {
    condition     = aws_lambda_function.this[0].function_name == "ecr-lifecycle-manager" && aws_lambda_function.this[0].handler == "lifecycle_manager.handler.handle" && aws_lambda_function.this[0].runtime == "python3.12"
    error_message = "wrong function"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule[0].schedule_expression == "cron(0 2 * * ? *)"
    error_message = "wrong schedule"
  }

  assert {
    condition     = aws_cloudwatch_log_group.function[0].name == "/aws/lambda/ecr-lifecycle-manager" && aws_cloudwatch_log_group.function[0].retention_in_days == 14
    error_message = "wrong log group"
  }

  assert {
    condition     = sort(keys(aws_cloudwatch_event_target.this)) == tolist(["images", "schedule", "sync"]) && sort(keys(aws_lambda_permission.events)) == tolist(["images", "schedule", "sync"])
    error_message = "a rule without target, or without the right to call"
  }

  assert {
    condition     = aws_lambda_function.this[0].source_code_hash == filebase64sha256("tests/package.zip")
    error_message = "changed code would not be deployed"
  }
}

run "settings_are_strings_and_leave_out_what_is_null" {
  variables {
    dry_run = true
    routes  = [{ prefix = "quay", source = "quay.io" }]
    retention = {
      keep_at_most = 1
      protect      = { tags = ["latest"] }
      overrides    = [{ pattern = "docker-hub/library/*", never = true }, { pattern = "quay/*", expire_unpulled_days = 7, expire_action = "archive" }]
    }
  }

  assert {
    condition = jsondecode(aws_lambda_function.this[0].environment[0].variables.RETENTION) == {
      default = {
        expire_unpulled_days = 30
        keep_at_least        = 1
        keep_at_most         = 1
        never                = false
        expire_action        = "delete"
        protect              = { tags = ["latest"], repositories = [] }
      }
      overrides = [{ pattern = "docker-hub/library/*", never = true }, { pattern = "quay/*", expire_unpulled_days = 7, expire_action = "archive" }]
    }
    error_message = "wrong retention: ${aws_lambda_function.this[0].environment[0].variables.RETENTION}"
  }

  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables.DRY_RUN == "true" && aws_lambda_function.this[0].environment[0].variables.ENVIRONMENT == "test"
    error_message = "wrong settings"
  }

  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables.BUCKET == "ecr-lifecycle-111122223333-eu-west-1" && aws_lambda_function.this[0].environment[0].variables.QUEUE_URL != "" && aws_lambda_function.this[0].environment[0].variables.TOPIC_ARN == output.topic_arn
    error_message = "it does not know its bucket, queue or topic"
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this[0].environment[0].variables.ROUTES) == [{ prefix = "quay", source = "quay.io" }]
    error_message = "wrong routes"
  }

  assert {
    condition     = !strcontains(output.policy, "BatchDeleteImage") && !strcontains(output.policy, "UpdateImageStorageClass")
    error_message = "a dry run may delete"
  }
}

run "it_may_delete_below_the_prefixes_only" {
  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement if statement.Sid == "Expire"] == [{
      Sid      = "Expire"
      Effect   = "Allow"
      Action   = ["ecr:BatchDeleteImage"]
      Resource = ["arn:aws:ecr:eu-west-1:111122223333:repository/docker-hub/*", "arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]
    }]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Log"] == [["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ecr-lifecycle-manager:*"]]
    error_message = "it may write other logs"
  }

  assert {
    condition     = sort([for statement in jsondecode(output.policy).Statement : statement.Sid if contains(statement.Resource, "*")]) == tolist(["Discover", "OwnPullsDoNotCount"])
    error_message = "more on everything than what knows no resources"
  }

  assert {
    condition     = !strcontains(output.policy, "PutLifecyclePolicy") && !strcontains(output.policy, "inspector2") && !strcontains(output.policy, "kms:")
    error_message = "rights that nothing needs"
  }
}

run "what_is_archived_may_be_archived_and_not_deleted" {
  variables {
    retention = { expire_action = "archive", overrides = [{ pattern = "quay/*", keep_at_least = 0 }] }
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Action if statement.Sid == "Expire"] == [["ecr:UpdateImageStorageClass"]]
    error_message = "wrong rights: ${output.policy}"
  }
}

run "a_rule_for_root_reaches_every_repository" {
  variables {
    prefixes = ["ROOT"]
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Expire"] == [["arn:aws:ecr:eu-west-1:111122223333:repository/*"]]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition     = !contains(keys(jsondecode(aws_cloudwatch_event_rule.images[0].event_pattern).detail), "repository-name")
    error_message = "pushes below ROOT would be missed"
  }
}

run "pushes_matter_with_a_native_policy_only" {
  variables {
    native_policy = "untagged"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.images[0].state == "ENABLED" && jsondecode(aws_cloudwatch_event_rule.sync[0].event_pattern).detail.sync-status == ["FAILED", "SUCCESS"]
    error_message = "a new repository would not get its policy"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.images[0].event_pattern).detail == { action-type = ["PUSH"], result = ["SUCCESS"], repository-name = [{ prefix = "docker-hub/" }, { prefix = "quay/" }] }
    error_message = "wrong pattern: ${aws_cloudwatch_event_rule.images[0].event_pattern}"
  }

  assert {
    condition     = strcontains(output.policy, "ecr:PutLifecyclePolicy")
    error_message = "it may not give the policy"
  }
}

run "without_a_native_policy_only_failures_of_a_sync_call_it" {
  assert {
    condition     = aws_cloudwatch_event_rule.images[0].state == "DISABLED" && jsondecode(aws_cloudwatch_event_rule.sync[0].event_pattern).detail.sync-status == ["FAILED"]
    error_message = "every push would call the function for nothing"
  }
}

run "pages_go_through_a_queue_that_gives_up_after_five_times" {
  variables {
    timeout_seconds = 300
  }

  assert {
    condition     = aws_sqs_queue.pages[0].visibility_timeout_seconds == 1800 && jsondecode(aws_sqs_queue.pages[0].redrive_policy).maxReceiveCount == 5
    error_message = "a message comes back while it is worked on, or for ever"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.pages[0].function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.pages[0].scaling_config[0].maximum_concurrency == 5
    error_message = "wrong event source"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.pages[0].policy).Statement[0].Effect == "Deny" && jsondecode(aws_sqs_queue.pages[0].policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "a queue without TLS"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.dead[0].arn
    error_message = "events that it could not take would be lost"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead[0].policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == [for name in ["images", "schedule", "sync"] : "arn:aws:events:eu-west-1:111122223333:rule/ecr-lifecycle-manager-${name}"]
    error_message = "events that cannot be delivered would be lost"
  }

  assert {
    condition     = aws_sqs_queue.pages[0].sqs_managed_sse_enabled && aws_sqs_queue.dead[0].message_retention_seconds == 1209600
    error_message = "wrong queues"
  }
}

run "the_bucket_is_versioned_encrypted_private_and_tls_only" {
  assert {
    condition     = aws_s3_bucket_versioning.this[0].versioning_configuration[0].status == "Enabled"
    error_message = "not versioned"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this[0].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "not encrypted"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this[0].policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.this[0].policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "not TLS only"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this[0].block_public_policy && aws_s3_bucket_public_access_block.this[0].restrict_public_buckets && !aws_s3_bucket.this[0].force_destroy
    error_message = "public, or gone with its content"
  }
}

run "a_key_encrypts_everything_and_may_be_used" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
    usage_role  = { cluster = "test", pod_identity = true }
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn && aws_sqs_queue.pages[0].kms_master_key_id == var.kms_key_arn && aws_cloudwatch_log_group.function[0].kms_key_id == var.kms_key_arn
    error_message = "something is not encrypted with the key"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Key"] == [[var.kms_key_arn]] && strcontains(aws_iam_role_policy.usage["this"].policy, "kms:GenerateDataKey")
    error_message = "the key may not be used"
  }
}

run "every_failure_has_an_alarm" {
  variables {
    emails = ["platform@example.com"]
  }

  assert {
    condition = output.alarm_names == tolist([
      "ecr-lifecycle-manager-dead-letters", "ecr-lifecycle-manager-errors", "ecr-lifecycle-manager-guard", "ecr-lifecycle-manager-repositories-failed",
      "ecr-lifecycle-manager-silent", "ecr-lifecycle-manager-snapshot", "ecr-lifecycle-manager-throttles", "ecr-lifecycle-manager-upstream-sync",
    ])
    error_message = "wrong alarms: ${jsonencode(output.alarm_names)}"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([output.topic_arn])])
    error_message = "an alarm that tells nobody"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["snapshot"].namespace == "Orchestrator/Lifecycle" && aws_cloudwatch_metric_alarm.this["snapshot"].dimensions == tomap({ Environment = "test" })
    error_message = "wrong metric"
  }

  assert {
    condition     = aws_sns_topic_subscription.email["platform@example.com"].protocol == "email"
    error_message = "nobody is told"
  }
}

run "a_given_topic_is_used" {
  variables {
    create_topic = false
    topic_arn    = "arn:aws:sns:eu-west-1:111122223333:ops"
  }

  assert {
    condition     = length(aws_sns_topic.this) == 0 && aws_cloudwatch_metric_alarm.silent[0].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:ops"]) && strcontains(output.policy, "arn:aws:sns:eu-west-1:111122223333:ops")
    error_message = "another topic"
  }
}

run "declared_clusters_require_snapshots" {
  variables {
    clusters = ["prod", "batch"]
  }

  assert {
    condition     = aws_lambda_function.this[0].environment[0].variables.SNAPSHOT_REQUIRED == "true" && jsondecode(aws_lambda_function.this[0].environment[0].variables.CLUSTERS) == ["batch", "prod"]
    error_message = "a snapshot could be missing unnoticed"
  }
}

run "without_the_function_bucket_and_usage_role_remain" {
  command = plan

  variables {
    create_function = false
    package         = "tests/absent.zip"
    usage_role      = { cluster = "test", oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
  }

  assert {
    condition     = length(aws_lambda_function.this) + length(aws_sqs_queue.pages) + length(aws_cloudwatch_event_rule.schedule) + length(aws_cloudwatch_metric_alarm.this) + length(aws_sns_topic.this) + length(aws_iam_role.function) + length(aws_cloudwatch_log_group.function) + length(aws_cloudwatch_event_target.this) == 0
    error_message = "something of the function remains"
  }

  assert {
    condition     = length(aws_s3_bucket.this) == 1 && length(aws_iam_role.usage) == 1
    error_message = "bucket or role are missing"
  }
}

run "nothing_is_made_when_everything_is_off" {
  command = plan

  variables {
    create_function = false
    create_bucket   = false
  }

  assert {
    condition     = length(aws_s3_bucket.this) + length(aws_iam_role.usage) + length(aws_s3_bucket_policy.this) == 0
    error_message = "something is made unasked"
  }
}

run "a_cluster_writes_its_own_snapshot_only" {
  variables {
    usage_role       = { cluster = "prod", oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
    snapshot_writers = { "far-away" = "arn:aws:iam::444455556666:role/far-away-ecr-usage" }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.usage["this"].policy).Statement == [{ Sid = "OwnSnapshot", Effect = "Allow", Action = ["s3:PutObject"], Resource = ["arn:aws:s3:::ecr-lifecycle-111122223333-eu-west-1/snapshots/prod.json"] }]
    error_message = "wrong rights: ${aws_iam_role_policy.usage["this"].policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role.usage["this"].assume_role_policy).Statement[0].Condition == { StringEquals = {
      "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
      "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:ecr-usage:ecr-usage"
    } }
    error_message = "wrong trust: ${aws_iam_role.usage["this"].assume_role_policy}"
  }

  assert {
    condition     = aws_iam_role.usage["this"].name == "prod-ecr-usage"
    error_message = "wrong name"
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this[0].policy).Statement[1] == {
      Sid       = "Writerfaraway"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::444455556666:role/far-away-ecr-usage" }
      Action    = "s3:PutObject"
      Resource  = "arn:aws:s3:::ecr-lifecycle-111122223333-eu-west-1/snapshots/far-away.json"
    }
    error_message = "wrong policy: ${aws_s3_bucket_policy.this[0].policy}"
  }
}

run "pod_identity_trusts_one_service_account_of_one_cluster" {
  variables {
    usage_role = { cluster = "prod", pod_identity = true, namespace = "tools", service_account = "usage" }
  }

  assert {
    condition     = jsondecode(aws_iam_role.usage["this"].assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/eks-cluster-arn"] == "arn:aws:eks:eu-west-1:111122223333:cluster/prod" && aws_eks_pod_identity_association.usage["this"].namespace == "tools"
    error_message = "wrong trust"
  }
}

run "inspector_is_asked_on_request" {
  variables {
    inspector = true
  }

  assert {
    condition     = strcontains(output.policy, "inspector2:ListCoverage") && aws_lambda_function.this[0].environment[0].variables.INSPECTOR == "true"
    error_message = "Inspector may not be asked"
  }
}

run "a_missing_package_names_the_command_that_makes_it" {
  command = plan

  variables {
    package = "tests/absent.zip"
  }

  expect_failures = [aws_lambda_function.this]
}
