output "queue" {
  description = "Queue of copies: `{name, arn, url}`."
  value       = module.copies.queue
}

output "dead_letters" {
  description = "Queue of copies that were given up: `{name, arn, url}`."
  value       = module.copies.dead_letters
}

output "deletions" {
  description = "Queue of deletions in the registry: `{name, arn, url}`."
  value       = { name = aws_sqs_queue.deletions.name, arn = aws_sqs_queue.deletions.arn, url = aws_sqs_queue.deletions.url }
}

output "table_name" {
  description = "DynamoDB table of the copies' states and of deletions."
  value       = module.copies.table_name
}

output "role_arn" {
  description = "Role of the webhook's Pods. Null without `pods`."
  value       = module.copies.worker_role_arn
}

output "policy" {
  description = "Rights of a replica (JSON), for Pods with a role of their own."
  value       = jsonencode({ Version = "2012-10-17", Statement = concat(jsondecode(module.copies.worker_policy).Statement, local.statements) })
}
