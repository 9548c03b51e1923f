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
  value       = one(aws_cloudwatch_log_group.this[*].name)
}

output "role_arn" {
  description = "ARN of the function's role. Null without it."
  value       = one(aws_iam_role.this[*].arn)
}

output "policy" {
  description = "What the function may do (JSON). Null without it."
  value       = one(aws_iam_role_policy.this[*].policy)
}

output "topic_arn" {
  description = "SNS topic of the messages, made or given. Null without the function."
  value       = var.create_function ? local.topic_arn : null
}

output "dead_letter_queue_url" {
  description = "Queue of events that were given up. Null without the function."
  value       = one(aws_sqs_queue.dead[*].url)
}

output "alarm_names" {
  description = "Names of the alarms, sorted."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "event_rules" {
  description = "Names of the event rules, sorted."
  value       = sort([for rule in aws_cloudwatch_event_rule.this : rule.name])
}
