output "dashboard_name" {
  description = "Name of the dashboard. Null without it."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}

output "dashboard_body" {
  description = "The dashboard (JSON). Null without it."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_body)
}

output "topic_arn" {
  description = "SNS topic of the alarms, made or given. Null when there is none."
  value       = local.topic_arn
}

output "alarm_names" {
  description = "Names of the alarms, sorted."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}
