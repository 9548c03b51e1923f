output "role_names" {
  description = "Roles that may pull, sorted."
  value       = sort([for policy in aws_iam_role_policy.this : policy.role])
}

output "machine_pool_roles" {
  description = "Role of each machine pool that was given rights, by pool."
  value       = { for name, profile in data.aws_iam_instance_profile.pool : name => profile.role_name }
}

output "policy" {
  description = "The inline policy (JSON): for roles that are managed elsewhere."
  value       = local.policy
}

output "managed_policy_arn" {
  description = "AWS managed policy that is attached too. Null when none is."
  value       = var.managed_policy_name == null ? null : "arn:${data.aws_partition.current.partition}:iam::aws:policy/${var.managed_policy_name}"
}
