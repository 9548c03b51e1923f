output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "settings" {
  description = "Settings of its runs, with every default filled in."
  value       = var.settings
}

output "variables" {
  description = "Its environment variables."
  value       = one(aws_lambda_function.this.environment).variables
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "Rights of the function (JSON)."
  value       = aws_iam_role_policy.this.policy
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "dead_letters" {
  description = "Queue of events that were given up: `{name, arn, url}`."
  value       = { name = aws_sqs_queue.dead.name, arn = aws_sqs_queue.dead.arn, url = aws_sqs_queue.dead.url }
}

output "events" {
  description = "The event rules by key: `{name, schedule, pattern}`."
  value = {
    for key, rule in aws_cloudwatch_event_rule.this :
    key => { name = rule.name, schedule = rule.schedule_expression, pattern = rule.event_pattern }
  }
}

output "kms_key_arn" {
  description = "KMS key of log and dead letters. Null without one of their own."
  value       = local.services_key
}
