output "arn" {
  description = "ARN of the topic."
  value       = aws_sns_topic.this.arn
}

output "policy" {
  description = "The policy of the topic: principals that may publish (JSON)."
  value       = aws_sns_topic_policy.this.policy
}

output "kms_key_arn" {
  description = "KMS key of the topic. Null without one."
  value       = aws_sns_topic.this.kms_master_key_id
}

output "emails" {
  description = "Addresses that are subscribed, sorted."
  value       = sort(keys(aws_sns_topic_subscription.email))
}
