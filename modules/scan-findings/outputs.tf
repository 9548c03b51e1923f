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
}

output "topic_arn" {
  description = "SNS topic of the messages, made or given. Null without the function."
  value       = var.create_function ? local.topic_arn : null
}

output "dead_letter_queue_url" {
  description = "Queue of events that were given up. Null without the function."
  value       = one(module.function[*].dead_letters.url)
}

output "alarm_names" {
  description = "Names of the alarms, sorted."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "event_rules" {
  description = "Names of the event rules, sorted."
  value       = sort(flatten([for function in module.function : [for rule in function.events : rule.name]]))
}
