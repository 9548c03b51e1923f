# What the module makes of its input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  account_id  = "111122223333"
  environment = "test"
  package     = "tests/package.zip"
  prefixes    = ["quay", "docker-hub"]
}

run "it_runs_daily_at_two_with_a_log_of_14_days" {
  assert {
    condition     = output.function_name == "ecr-lifecycle-manager" && module.function[0].settings.memory_mb == 512 && module.function[0].settings.timeout_seconds == 900
    error_message = "wrong function"
  }

  assert {
    condition     = module.function[0].events["schedule"].schedule == "cron(0 2 * * ? *)"
    error_message = "wrong schedule"
  }

  assert {
    condition     = output.log_group_name == "/aws/lambda/ecr-lifecycle-manager" && module.function[0].settings.log_retention_days == 14
    error_message = "wrong log group"
  }

  assert {
    condition     = sort(keys(module.function[0].events)) == tolist(["schedule", "sync"])
    error_message = "a rule without target, or without the right to call"
  }
}

run "settings_are_strings_and_leave_out_what_is_null" {
  variables {
    dry_run = true
    routes  = [{ prefix = "quay", source = "quay.io" }]
    settings = {
      retention = {
        keep_at_most = 1
        protect      = { tags = ["latest"] }
        overrides    = [{ pattern = "docker-hub/library/*", never = true }, { pattern = "quay/*", expire_unpulled_days = 7, expire_action = "archive" }]
      }
    }
  }

  assert {
    condition = jsondecode(module.function[0].variables.RETENTION) == {
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
    error_message = "wrong retention: ${module.function[0].variables.RETENTION}"
  }

  assert {
    condition     = module.function[0].variables.DRY_RUN == "true" && module.function[0].variables.ENVIRONMENT == "test"
    error_message = "wrong settings"
  }

  assert {
    condition     = module.function[0].variables.BUCKET == "ecr-lifecycle-111122223333-eu-west-1" && module.function[0].variables.QUEUE_URL != ""
    error_message = "it does not know its bucket or queue"
  }

  assert {
    condition     = jsondecode(module.function[0].variables.ROUTES) == [{ prefix = "quay", source = "quay.io" }]
    error_message = "wrong routes"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Action if statement.Sid == "Cached"] == [["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetLifecyclePolicy"]]
    error_message = "a dry run may delete"
  }
}

run "it_may_delete_below_the_prefixes_only" {
  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement if statement.Sid == "Cached"] == [{
      Sid      = "Cached"
      Effect   = "Allow"
      Action   = ["ecr:BatchDeleteImage", "ecr:BatchGetImage", "ecr:DeleteLifecyclePolicy", "ecr:DescribeImages", "ecr:GetLifecyclePolicy"]
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
    condition     = !strcontains(output.policy, "PutLifecyclePolicy") && !strcontains(output.policy, "inspector2") && !strcontains(output.policy, "kms:") && !strcontains(output.policy, "sns:") && !strcontains(output.policy, "ecr:ListImage")
    error_message = "rights that nothing needs"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Action == ["s3:GetObject"]] == [[for prefix in ["cache", "cached", "runs", "snapshots"] : "arn:aws:s3:::ecr-lifecycle-111122223333-eu-west-1/${prefix}/*"]]
    error_message = "it may read the audit log, which it only writes: ${output.policy}"
  }
}

run "a_hundred_prefixes_fit_into_its_policy" {
  command = plan

  variables {
    prefixes = [for number in range(100) : "team-${number}/docker-hub"]
    settings = { native_policy = "untagged" }
  }

  assert {
    condition     = length(output.policy) <= 10240
    error_message = "the policy has ${length(output.policy)} characters"
  }

  assert {
    condition     = !contains(keys(jsondecode(module.function[0].events["images"].pattern).detail), "repository-name") && length(module.function[0].events["images"].pattern) <= 2048
    error_message = "EventBridge would refuse the pattern"
  }
}

run "refuses_more_prefixes_than_a_policy_holds" {
  command = plan

  variables {
    prefixes = [for number in range(200) : "team-${number}/docker-hub"]
  }

  expect_failures = [output.policy]
}

run "what_is_archived_may_be_archived_and_not_deleted" {
  variables {
    settings = { retention = { expire_action = "archive", overrides = [{ pattern = "quay/*", keep_at_least = 0 }] } }
  }

  assert {
    condition     = strcontains(output.policy, "ecr:UpdateImageStorageClass") && !strcontains(output.policy, "ecr:BatchDeleteImage")
    error_message = "wrong rights: ${output.policy}"
  }
}

run "a_rule_for_root_reaches_what_the_retention_names" {
  variables {
    prefixes = ["ROOT", "quay"]
    settings = {
      native_policy = "untagged"
      retention     = { overrides = [{ pattern = "library/", keep_at_most = 5 }, { pattern = "bitnami*", never = true }, { pattern = "*-operator", keep_at_most = 1 }] }
    }
  }

  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Cached"] == [[
      for name in ["bitnami*", "library", "library/*", "quay/*"] : "arn:aws:ecr:eu-west-1:111122223333:repository/${name}"
    ]]
    error_message = "wrong rights: ${output.policy}"
  }

  assert {
    condition     = !contains(keys(jsondecode(module.function[0].events["images"].pattern).detail), "repository-name")
    error_message = "pushes below ROOT would be missed"
  }
}

run "pushes_matter_with_a_native_policy_only" {
  variables {
    settings = { native_policy = "untagged" }
  }

  assert {
    condition     = contains(keys(module.function[0].events), "images") && jsondecode(module.function[0].events["sync"].pattern).detail.sync-status == ["FAILED", "SUCCESS"]
    error_message = "a new repository would not get its policy"
  }

  assert {
    condition     = alltrue([for key in ["images", "sync"] : jsondecode(module.function[0].events[key].pattern).account == ["${var.account_id}"]])
    error_message = "events that other accounts forward are taken for its own"
  }
  assert {
    condition     = jsondecode(module.function[0].events["images"].pattern).detail == { action-type = ["PUSH"], result = ["SUCCESS"], repository-name = [{ prefix = "docker-hub/" }, { prefix = "quay/" }] }
    error_message = "wrong pattern: ${module.function[0].events["images"].pattern}"
  }

  assert {
    condition     = strcontains(output.policy, "ecr:PutLifecyclePolicy")
    error_message = "it may not give the policy"
  }
}

run "without_a_native_policy_only_failures_of_a_sync_call_it" {
  assert {
    condition     = !contains(keys(module.function[0].events), "images") && jsondecode(module.function[0].events["sync"].pattern).detail.sync-status == ["FAILED"]
    error_message = "every push would call the function for nothing"
  }
}

run "pages_go_through_a_queue_that_gives_up_after_five_times" {
  variables {
    settings = { timeout_seconds = 300 }
  }

  assert {
    condition     = aws_sqs_queue.pages[0].visibility_timeout_seconds == 360 && jsondecode(aws_sqs_queue.pages[0].redrive_policy).maxReceiveCount == 5
    error_message = "a message comes back while it is worked on, after the run that waits for it, or for ever"
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
    condition     = aws_sqs_queue.pages[0].sqs_managed_sse_enabled
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

run "the_cache_expires_after_a_quarter_and_what_was_reported_after_a_year" {
  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.filter[0].prefix => rule.expiration[0].days if length(rule.expiration) > 0 } == { "audit/" = 365, "cache/" = 90, "findings/" = 365, "runs/" = 30 }
    error_message = "wrong rules, or one that overlaps another with fewer days"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.id => rule.noncurrent_version_expiration[0].noncurrent_days if length(rule.noncurrent_version_expiration) > 0 } == { audit = 30, older-versions = 365 }
    error_message = "older versions of the audit log stay for long, or those of snapshots do not"
  }
}

run "a_key_encrypts_the_bucket_alone_until_its_policy_admits_services" {
  variables {
    settings = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9" }
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == var.settings.kms_key_arn
    error_message = "the bucket is not encrypted with the key"
  }

  assert {
    condition     = module.alarm_topic[0].kms_key_arn == null && module.function[0].kms_key_arn == null && aws_sqs_queue.pages[0].sqs_managed_sse_enabled
    error_message = "alarms would be mute: a service of AWS may not use the key"
  }
}

run "a_key_that_admits_services_encrypts_everything_and_may_be_used" {
  variables {
    usage_role = { cluster = "test", pod_identity = true }
    settings = {
      kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
      kms_key_admits_services = true
    }
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == var.settings.kms_key_arn && aws_sqs_queue.pages[0].kms_master_key_id == var.settings.kms_key_arn && module.function[0].kms_key_arn == var.settings.kms_key_arn && module.alarm_topic[0].kms_key_arn == var.settings.kms_key_arn
    error_message = "something is not encrypted with the key"
  }

  assert {
    condition     = { for statement in jsondecode(output.key_policy_statements) : statement.Principal.Service => try(keys(statement.Condition), []) } == { "logs.eu-west-1.amazonaws.com" = ["ArnEquals"], "cloudwatch.amazonaws.com" = ["StringEquals"], "events.amazonaws.com" = [] }
    error_message = "wrong statements: ${output.key_policy_statements}"
  }

  assert {
    condition     = jsondecode(output.key_policy_statements)[0].Condition.ArnEquals["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ecr-lifecycle-manager" && alltrue([for statement in jsondecode(output.key_policy_statements) : contains(statement.Action, "kms:Decrypt") && contains(statement.Action, "kms:GenerateDataKey*")])
    error_message = "wrong statements: ${output.key_policy_statements}"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Key"] == [[var.settings.kms_key_arn]] && strcontains(aws_iam_role_policy.usage["this"].policy, "kms:GenerateDataKey")
    error_message = "the key may not be used"
  }
}

run "every_failure_has_an_alarm" {
  variables {
    settings = { emails = ["platform@example.com"] }
  }

  assert {
    condition = output.alarm_names == tolist([
      "ecr-lifecycle-manager-dead-letters", "ecr-lifecycle-manager-errors", "ecr-lifecycle-manager-guard", "ecr-lifecycle-manager-repositories-failed",
      "ecr-lifecycle-manager-silent", "ecr-lifecycle-manager-snapshot", "ecr-lifecycle-manager-throttles", "ecr-lifecycle-manager-upstream-sync",
    ])
    error_message = "wrong alarms: ${jsonencode(output.alarm_names)}"
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.this), aws_cloudwatch_metric_alarm.silent) : alarm.alarm_actions == toset([output.topic_arn]) && alarm.ok_actions == null])
    error_message = "an alarm that tells nobody, or one that wakes somebody to say that all is well"
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.treat_missing_data if alarm.treat_missing_data != "notBreaching" } == { guard = "ignore", repositories-failed = "ignore", snapshot = "ignore" }
    error_message = "an alarm on what is written once a run would be over before the next one"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.threshold == 0])
    error_message = "failures that nobody hears of"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["snapshot"].namespace == "Orchestrator/Lifecycle" && aws_cloudwatch_metric_alarm.this["snapshot"].dimensions == tomap({ Environment = "test" })
    error_message = "wrong metric"
  }

  assert {
    condition     = module.alarm_topic[0].emails == tolist(["platform@example.com"])
    error_message = "nobody is told"
  }
}

run "silence_of_what_once_ran_alarms_and_a_new_function_does_not" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.silent[0].metric_name == "RunsFinished" && aws_cloudwatch_metric_alarm.silent[0].namespace == "Orchestrator/Lifecycle" && aws_cloudwatch_metric_alarm.silent[0].dimensions == tomap({ Environment = "test" })
    error_message = "calls by events would hide that no run finishes"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.silent[0].treat_missing_data == "missing" && aws_cloudwatch_metric_alarm.silent[0].insufficient_data_actions == toset([output.topic_arn])
    error_message = "it alarms on the first day, or never"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.silent[0].period * aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 172800
    error_message = "not two days"
  }
}

run "a_rare_schedule_without_the_alarm_for_silence" {
  command = plan

  variables {
    settings = {
      schedule               = "rate(14 days)"
      silence_days           = 0
      upstream_sync_failures = 10
      reserved_concurrency   = 6
    }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silent) == 0 && aws_cloudwatch_metric_alarm.this["upstream-sync"].threshold == 10 && aws_cloudwatch_metric_alarm.this["errors"].threshold == 0
    error_message = "an alarm that nobody asked for, or another threshold"
  }

  assert {
    condition     = module.function[0].settings.reserved_concurrency == 6
    error_message = "nothing is reserved"
  }
}

run "cron_expressions_of_eventbridge_are_taken" {
  command = plan

  variables {
    settings = { schedule = "cron(0/15,30 8-17/2 ? JAN-MAR,12 FRI#2 2026-2030)" }
  }

  assert {
    condition     = module.function[0].events["schedule"].schedule == var.settings.schedule
    error_message = "wrong schedule"
  }
}

run "weekdays_and_last_days_are_taken" {
  command = plan

  variables {
    settings = { schedule = "cron(*/5 2 L-3 * ? *)" }
  }

  assert {
    condition     = module.function[0].events["schedule"].schedule == var.settings.schedule
    error_message = "wrong schedule"
  }
}

run "a_given_topic_is_used" {
  variables {
    create_topic = false
    settings     = { topic_arn = "arn:aws:sns:eu-west-1:111122223333:ops" }
  }

  assert {
    condition     = length(module.alarm_topic) == 0 && aws_cloudwatch_metric_alarm.silent[0].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:ops"])
    error_message = "another topic"
  }
}

run "declared_clusters_require_snapshots" {
  variables {
    settings = { clusters = ["prod", "batch"] }
  }

  assert {
    condition     = module.function[0].variables.SNAPSHOT_REQUIRED == "true" && jsondecode(module.function[0].variables.CLUSTERS) == ["batch", "prod"]
    error_message = "a snapshot could be missing unnoticed"
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
    usage_role = { cluster = "prod", oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
    settings   = { snapshot_writers = { "far-away" = "arn:aws:iam::444455556666:role/far-away-ecr-usage" } }
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
    condition     = aws_iam_role.usage["this"].name == "prod-ecr-usage-eu-west-1"
    error_message = "wrong name"
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this[0].policy).Statement[1] == {
      Sid       = "Writer${substr(sha256("far-away"), 0, 16)}"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::444455556666:root" }
      Action    = "s3:PutObject"
      Resource  = "arn:aws:s3:::ecr-lifecycle-111122223333-eu-west-1/snapshots/far-away.json"
      Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::444455556666:role/far-away-ecr-usage" } }
    }
    error_message = "wrong policy: ${aws_s3_bucket_policy.this[0].policy}"
  }
}

run "writers_whose_names_have_the_same_letters_are_two" {
  variables {
    settings = { snapshot_writers = { "far-away" = "arn:aws:iam::444455556666:role/a", "faraway" = "arn:aws:iam::444455556666:role/b" } }
  }

  assert {
    condition     = length(distinct(jsondecode(aws_s3_bucket_policy.this[0].policy).Statement[*].Sid)) == 3
    error_message = "S3 refuses a policy with one Sid twice: ${aws_s3_bucket_policy.this[0].policy}"
  }
}

run "a_snapshot_may_have_another_name_than_the_cluster" {
  variables {
    usage_role = { cluster = "a-cluster-with-a-name-of-sixty-characters-as-some-people-have", snapshot_name = "prod-us", pod_identity = true }
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.usage["this"].policy, "/snapshots/prod-us.json\"]") && !strcontains(aws_iam_role_policy.usage["this"].policy, "a-cluster")
    error_message = "wrong rights: ${aws_iam_role_policy.usage["this"].policy}"
  }

  assert {
    condition     = aws_iam_role.usage["this"].name == "a-cluster-with-a-name-of-sixty-characters-as-some-peopl-${substr(sha256("a-cluster-with-a-name-of-sixty-characters-as-some-people-have-ecr-usage-eu-west-1"), 0, 8)}" && length(aws_iam_role.usage["this"].name) == 64
    error_message = "wrong name: ${aws_iam_role.usage["this"].name}"
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
    condition     = strcontains(output.policy, "inspector2:ListCoverage") && module.function[0].variables.INSPECTOR == "true"
    error_message = "Inspector may not be asked"
  }
}
