output "queue" {
  description = "Queue of copies: `{name, arn, url}`."
  value       = { name = aws_sqs_queue.this.name, arn = aws_sqs_queue.this.arn, url = aws_sqs_queue.this.url }
}

output "dead_letters" {
  description = "Queue of copies that were given up: `{name, arn, url}`."
  value       = { name = aws_sqs_queue.dead.name, arn = aws_sqs_queue.dead.arn, url = aws_sqs_queue.dead.url }
}

output "table_name" {
  description = "DynamoDB table of the copies' states."
  value       = aws_dynamodb_table.this.name
}

output "worker_role_arn" {
  description = "Role of the workers. Null without `workers`."
  value       = one(values(aws_iam_role.workers)[*].arn)
}

output "worker_role_name" {
  description = "Name of that role. Null without `workers`."
  value       = one(values(aws_iam_role.workers)[*].name)
}

output "worker_policy" {
  description = "Rights of a worker (JSON), for workers with a role of their own."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}
