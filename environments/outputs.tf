################################################################################
# Own repositories
################################################################################

output "ecr_repository_url" {
  description = "URL of the environment's own repository, for docker push and pull. Null without `create_ecr`."
  value       = module.ecr.repository_url
}

output "ecr_repository_arn" {
  description = "ARN of the environment's own repository."
  value       = module.ecr.repository_arn
}

output "ecr_repository_name" {
  description = "Name of the environment's own repository."
  value       = module.ecr.repository_name
}

output "ecr_repositories" {
  description = "All own repositories by name: `{name = {arn, url, protected}}`."
  value       = module.ecr.repositories
}

output "ecr_registry_id" {
  description = "Account of the registry that the cluster's images come from."
  value       = local.registry.account_id
}

output "ecr_registry_url" {
  description = "Host of the registry that the cluster's images come from, for docker login."
  value       = local.registry_host
}

output "ecr_prevent_destroy" {
  description = "True if own repositories are protected."
  value       = var.ecr_prevent_destroy
}

output "ecr_summary" {
  description = "The environment's part of ECR, in short."
  value = merge(module.ecr.ecr_summary, {
    registry              = local.registry_host
    owns_registry         = local.owns_registry
    pull_through_prefixes = sort(keys(var.pull_through_cache_rules))
    mirror_prefixes       = sort(keys(var.mirrors))
    vpc_endpoints         = length(module.vpc_endpoints) > 0
    idms                  = var.generate_idms
  })
}

################################################################################
# Routes
################################################################################

output "pull_through_cache_rules" {
  description = "Pull-through cache rules that this environment owns, by prefix. Empty where another environment owns the registry."
  value       = merge(module.pull_through_cache[*].rules...)
}

output "repository_creation_templates" {
  description = "Prefixes with a repository creation template that this environment owns, ROOT included."
  value = sort(concat(
    flatten(module.pull_through_cache[*].template_prefixes),
    contains(module.registry[*].root_template, true) ? ["ROOT"] : [],
  ))
}

output "registry_policy" {
  description = "Policy (JSON) of the registry, where this environment owns it and other accounts use it."
  value       = one(module.registry[*].registry_policy)
}

output "registry_made" {
  description = "This environment's parts of settings that the registry has once: statements of its policy (JSON) and scanning rules. `orchestrator destroy` takes away these and leaves what others put there. Null where another environment owns the registry."
  value       = one(module.registry[*].made)
}

output "idms_config_path" {
  description = "File that the orchestrator writes the ImageDigestMirrorSet to, relative to the project. Null without `generate_idms`."
  value       = var.generate_idms ? "generated/${local.environment}/idms.yaml" : null
}

output "idms_config_content" {
  description = "The ImageDigestMirrorSet of the routes as YAML. Null without `generate_idms`."
  value       = var.generate_idms ? module.mirror_set.digest_mirror_set_yaml : null
}

################################################################################
# Network
################################################################################

output "ecr_api_endpoint_id" {
  description = "ID of the ecr.api endpoint. Null without endpoints."
  value       = one(module.vpc_endpoints[*].ecr_api_endpoint_id)
}

output "ecr_dkr_endpoint_id" {
  description = "ID of the ecr.dkr endpoint. Null without endpoints."
  value       = one(module.vpc_endpoints[*].ecr_dkr_endpoint_id)
}

output "endpoint_security_group_id" {
  description = "ID of the endpoints' own security group. Null without endpoints, or with given groups."
  value       = one(module.vpc_endpoints[*].endpoint_security_group_id)
}

output "vpc_endpoints_enabled" {
  description = "True if this environment made VPC endpoints."
  value       = length(module.vpc_endpoints) > 0
}

################################################################################
# Who pulls and who pushes
################################################################################

output "node_role_names" {
  description = "Roles of the cluster's nodes that were given pull rights."
  value       = flatten(module.node_access[*].role_names)
}

output "node_pull_policy" {
  description = "The policy (JSON) that node roles get: for roles that are managed elsewhere. Null without `attach_ecr_policy`."
  value       = one(module.node_access[*].policy)
}

output "push_role_arns" {
  description = "ARNs of the push roles by name."
  value       = merge(module.push_role[*].role_arns...)
}

output "push_role_annotations" {
  description = "Annotation for the ServiceAccount of each IRSA push role, by role name."
  value       = merge(module.push_role[*].service_account_annotations...)
}

################################################################################
# Lifecycle manager, scan findings, monitoring
################################################################################

output "lifecycle_manager_function_name" {
  description = "Name of the lifecycle manager's function. Null where it is not enabled."
  value       = one(module.lifecycle_manager[*].function_name)
}

output "lifecycle_manager_log_group_name" {
  description = "Log group of the lifecycle manager. Null where it is not enabled."
  value       = one(module.lifecycle_manager[*].log_group_name)
}

output "lifecycle_manager_topic_arn" {
  description = "SNS topic of the lifecycle manager's alarms. Null where there is none."
  value       = one(module.lifecycle_manager[*].topic_arn)
}

output "lifecycle_bucket_name" {
  description = "Bucket of snapshots (`snapshots/<cluster>.json`) and audit log (`audit/`). Null where this environment uses none."
  value       = one(module.lifecycle_manager[*].bucket_name)
}

output "usage_role_arn" {
  description = "Role with which the cluster writes its snapshot. Null without `lifecycle_manager.usage`."
  value       = one(module.lifecycle_manager[*].usage_role_arn)
}

output "scan_findings_topic_arn" {
  description = "SNS topic of scan findings. Null where they are not enabled."
  value       = one(module.scan_findings[*].topic_arn)
}

output "mirror_queue" {
  description = "Queue of copies: `{name, arn, url}`. Null without `mirror_queue`."
  value       = one(module.mirror_queue[*].queue)
}

output "mirror_queue_dead_letters" {
  description = "Queue of copies that were given up: `{name, arn, url}`. Null without `mirror_queue`."
  value       = one(module.mirror_queue[*].dead_letters)
}

output "mirror_worker_role_arn" {
  description = "Role of workers in the cluster. Null without `mirror_queue.workers`."
  value       = one(module.mirror_queue[*].worker_role_arn)
}

output "mirror_worker_policy" {
  description = "Rights of a worker (JSON), for workers with a role of their own. Null without `mirror_queue`."
  value       = one(module.mirror_queue[*].worker_policy)
}

output "image_swapper_role_arn" {
  description = "Role of the webhook's Pods. Null without `image_swapper.pods`."
  value       = one(module.image_swapper[*].role_arn)
}

output "image_swapper_policy" {
  description = "Rights of a replica of the webhook (JSON), for Pods with a role of their own. Null without `image_swapper`."
  value       = one(module.image_swapper[*].policy)
}

output "image_swapper_queues" {
  description = "Queues of the webhook's replicas, each as `{name, arn, url}`: `copies`, `dead_letters`, `deletions`. Null without `image_swapper`."
  value       = one([for made in module.image_swapper : { copies = made.queue, dead_letters = made.dead_letters, deletions = made.deletions }])
}

output "dashboard_name" {
  description = "CloudWatch dashboard. Null where monitoring is not enabled."
  value       = one(module.monitoring[*].dashboard_name)
}

################################################################################
# All in one
################################################################################

output "cluster_summary" {
  description = "The cluster and its way to images, in short."
  value = {
    environment                = local.environment
    cluster_name               = var.cluster_name
    platform                   = var.platform
    account_id                 = var.account_id
    aws_region                 = var.aws_region
    ecr_enabled                = var.create_ecr
    ecr_registry_url           = local.registry_host
    ecr_repository_url         = module.ecr.repository_url
    ecr_policy_attached        = var.attach_ecr_policy
    ecr_pull_through_upstreams = { for prefix, rule in var.pull_through_cache_rules : prefix => rule.upstream_registry_url }
    ecr_mirrors                = { for prefix, mirror in var.mirrors : prefix => mirror.source }
    ecr_allow_upstream         = var.allow_upstream
  }
}
