output "repository_url" {
  description = "URL of the default repository, for docker push and pull. Null without one."
  value       = try(local.managed[local.default_name].repository_url, null)
}

output "repository_arn" {
  description = "ARN of the default repository. Null without one."
  value       = try(local.managed[local.default_name].arn, null)
}

output "repository_name" {
  description = "Name of the default repository. Null without one."
  value       = try(local.managed[local.default_name].name, null)
}

output "repositories" {
  description = "All repositories by name: `{name = {arn, url, protected}}`."
  value = {
    for name, repository in local.managed : name => {
      arn       = repository.arn
      url       = repository.repository_url
      protected = var.prevent_destroy
    }
  }
}

output "lifecycle_policies" {
  description = "Lifecycle policy (JSON) of each repository that has one, by the repository's name."
  value       = { for name, policy in aws_ecr_lifecycle_policy.this : name => policy.policy }
}

output "registry_id" {
  description = "AWS account that the registry belongs to."
  value       = data.aws_caller_identity.current.account_id
}

output "registry_url" {
  description = "Host of the registry, for docker login."
  value       = local.registry_url
}

output "prevent_destroy" {
  description = "True if the repositories are protected."
  value       = var.prevent_destroy
}

output "ecr_summary" {
  description = "The repositories' configuration in short."
  value = {
    registry             = local.registry_url
    repositories         = sort(keys(local.managed))
    encryption           = var.kms_key_arn == null ? "AES256" : "KMS"
    image_tag_mutability = var.image_tag_mutability
    scan_on_push         = var.scan_on_push
    lifecycle_policy     = var.lifecycle_policy_enabled
    prevent_destroy      = var.prevent_destroy
    vpc_endpoints        = local.create_vpc_endpoints
    idms                 = local.idms != null
  }
}

output "idms_config_path" {
  description = "Path for the ImageDigestMirrorSet, relative to the project. Null when none is generated. The module does not write it."
  value       = local.idms == null ? null : coalesce(var.idms_config_path, "generated/${var.cluster_name}/idms.yaml")
}

output "idms_config_content" {
  description = "The ImageDigestMirrorSet as YAML. Null when none is generated."
  value       = local.idms == null ? null : yamlencode(local.idms)
}

output "ecr_api_endpoint_id" {
  description = "ID of the ecr.api endpoint. Null without endpoints."
  value       = try(module.vpc_endpoints[0].ecr_api_endpoint_id, null)
}

output "ecr_dkr_endpoint_id" {
  description = "ID of the ecr.dkr endpoint. Null without endpoints."
  value       = try(module.vpc_endpoints[0].ecr_dkr_endpoint_id, null)
}

output "endpoint_security_group_id" {
  description = "ID of the endpoints' own security group. Null when none was made."
  value       = try(module.vpc_endpoints[0].endpoint_security_group_id, null)
}

output "vpc_endpoints_enabled" {
  description = "True if this module made VPC endpoints."
  value       = local.create_vpc_endpoints
}
