output "rules" {
  description = "The rules by prefix: upstream_registry_url, upstream_registry (ECR's name of it), upstream_repository_prefix, credential_arn, registry_id."
  value = {
    for prefix, rule in aws_ecr_pull_through_cache_rule.this : prefix => {
      upstream_registry_url      = rule.upstream_registry_url
      upstream_registry          = local.kinds[prefix]
      upstream_repository_prefix = rule.upstream_repository_prefix
      credential_arn             = rule.credential_arn
      registry_id                = rule.registry_id
    }
  }
}

output "prefixes" {
  description = "Prefixes that have a rule, sorted."
  value       = sort(keys(aws_ecr_pull_through_cache_rule.this))
}

output "template_prefixes" {
  description = "Prefixes that have a repository creation template, sorted."
  value       = sort(keys(aws_ecr_repository_creation_template.this))
}

output "repository_arn_patterns" {
  description = "IAM resource patterns of the cached repositories: what a policy for the first pull is limited to. Sorted by prefix."
  value = [
    for prefix in sort(keys(aws_ecr_pull_through_cache_rule.this)) :
    "arn:${data.aws_partition.current.partition}:ecr:${data.aws_region.current.name}:${aws_ecr_pull_through_cache_rule.this[prefix].registry_id}:repository/${prefix == "ROOT" ? "*" : "${prefix}/*"}"
  ]
}
