output "function_name" {
  description = "Name of the function. Null without it."
  value       = one(aws_lambda_function.this[*].function_name)
}

output "function_arn" {
  description = "ARN of the function. Null without it."
  value       = one(aws_lambda_function.this[*].arn)
}

output "log_group_name" {
  description = "Log group of the function. Null without it."
  value       = one(aws_cloudwatch_log_group.function[*].name)
}

output "role_arn" {
  description = "ARN of the function's role. Null without it."
  value       = one(aws_iam_role.function[*].arn)
}

output "policy" {
  description = "What the function may do (JSON). Null without it."
  value       = one(aws_iam_role_policy.function[*].policy)
}

output "bucket_name" {
  description = "Bucket of snapshots (`snapshots/<cluster>.json`), audit log (`audit/`) and cache (`cache/`)."
  value       = local.bucket_name
}

output "queue_url" {
  description = "Queue of pages of repositories. Null without the function."
  value       = one(aws_sqs_queue.pages[*].url)
}

output "dead_letter_queue_url" {
  description = "Queue of what was given up. Null without the function."
  value       = one(aws_sqs_queue.dead[*].url)
}

output "topic_arn" {
  description = "SNS topic of the alarms, made or given. Null when there is none."
  value       = local.topic ? aws_sns_topic.this[0].arn : var.topic_arn
}

output "alarm_names" {
  description = "Names of the alarms, sorted."
  value       = sort(concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name], aws_cloudwatch_metric_alarm.silent[*].alarm_name))
}

output "usage_role_arn" {
  description = "ARN of the role that writes the cluster's snapshot. Null without `usage_role`."
  value       = one([for role in aws_iam_role.usage : role.arn])
}
