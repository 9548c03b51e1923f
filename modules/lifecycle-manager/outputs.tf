output "function_name" {
  description = "Name of the function. Null without it."
  value       = one(module.function[*].name)
}

output "function_arn" {
  description = "ARN of the function. Null without it."
  value       = one(module.function[*].arn)
}

output "log_group_name" {
  description = "Log group of the function. Null without it."
  value       = one(module.function[*].log_group_name)
}

output "role_arn" {
  description = "ARN of the function's role. Null without it."
  value       = one(module.function[*].role_arn)
}

output "policy" {
  description = "Rights of the function (JSON). Null without it."
  value       = one(module.function[*].policy)

  precondition {
    # IAM does not count white space; jsonencode writes none.
    condition     = length(coalesce(one(module.function[*].policy), "none")) <= 10240
    error_message = "The function's policy has ${length(coalesce(one(module.function[*].policy), "none"))} characters and IAM takes 10,240 in a role: ${length(local.cached_arns)} patterns of repositories are too many. Put prefixes below a common one (team/docker-hub, team/quay) and name that${contains(var.prefixes, "ROOT") ? ", or use fewer and wider patterns in retention.overrides, which name what ROOT caches" : ""}."
  }
}

output "bucket_name" {
  description = "Bucket of snapshots (`snapshots/<name>.json`), audit log (`audit/`) and cache (`cache/`)."
  value       = local.bucket_name
}

output "snapshot_object" {
  description = "Bucket and key of the snapshot that `usage_role` writes. Null without it."
  value       = one(values(local.snapshot_objects))
}

output "bucket_created" {
  description = "True if the bucket is this module's, and goes with it."
  value       = var.create_bucket
}

output "queue_url" {
  description = "Queue of pages of repositories. Null without the function."
  value       = one(aws_sqs_queue.pages[*].url)
}

output "dead_letter_queue_url" {
  description = "Queue of what was given up. Null without the function."
  value       = one(module.function[*].dead_letters.url)
}

output "topic_arn" {
  description = "SNS topic of the alarms, made or given. Null when there is none."
  value       = local.topic_arn
}

output "key_policy_statements" {
  description = "Statements (JSON) that the policy of the key `kms_key_arn` must have before `kms_key_admits_services` may be true. They let CloudWatch Logs, CloudWatch and EventBridge use it."
  value = jsonencode([
    {
      Sid       = "LifecycleManagerLog"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Resource  = "*" # in a key's policy: the key
      Condition = { ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${var.account_id}:log-group:/aws/lambda/${local.name}" } }
    },
    {
      Sid       = "LifecycleManagerAlarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    },
    {
      # EventBridge names neither its rule nor its account to KMS: a condition on them would refuse it.
      Sid       = "LifecycleManagerUndeliveredEvents"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
    },
  ])
}

output "alarm_names" {
  description = "Names of the alarms, sorted."
  value       = sort(concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name], aws_cloudwatch_metric_alarm.silent[*].alarm_name))
}

output "usage_role_arn" {
  description = "ARN of the role that writes the cluster's snapshot. Null without `usage_role`."
  value       = one([for role in aws_iam_role.usage : role.arn])
}

output "usage_role_policy" {
  description = "Rights of the role that writes the cluster's snapshot (JSON): for a role that is managed elsewhere. Null without `usage_role`."
  value       = one([for policy in aws_iam_role_policy.usage : policy.policy])
}
