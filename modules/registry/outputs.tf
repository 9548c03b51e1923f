output "registry_id" {
  description = "Account that the registry belongs to."
  value       = var.account_id
}

output "registry_url" {
  description = "Host of the registry, for docker login."
  value       = local.registry_url
}

output "registry_policy" {
  description = "The registry policy (JSON). Null when nobody else may use the registry."
  value       = one(aws_ecr_registry_policy.this[*].policy)
}

output "consumer_account_ids" {
  description = "Accounts that the registry policy lets in, sorted."
  value       = sort(distinct(var.consumer_account_ids))
}

output "root_template" {
  description = "True if a repository creation template for ROOT exists."
  value       = length(aws_ecr_repository_creation_template.root) > 0
}

output "scan_type" {
  description = "Scanning that this module set: BASIC or ENHANCED. Null when it left the registry's as it is."
  value       = one(aws_ecr_registry_scanning_configuration.this[*].scan_type)
}

output "account_settings" {
  description = "Account settings that this module set, by name."
  value       = { for name, setting in aws_ecr_account_setting.this : name => setting.value }
}

output "made" {
  description = "This module's parts of settings that a registry has once. These are statements of its policy (JSON), scanning rules, and the scan type that it found."
  value = {
    statements       = jsonencode(local.made_statements)
    scanning_rules   = local.made_rules
    scan_type_before = var.scanning == null ? null : var.others.scan_type
  }
}
