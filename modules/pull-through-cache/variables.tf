variable "rules" {
  description = "Pull-through cache rules by ECR repository prefix (2 to 30 characters, or ROOT). Each has an optional repository creation template for the repositories that ECR makes below the prefix. At most 50 rules, an AWS quota that cannot be raised."
  type = map(object({
    upstream_registry_url      = string
    upstream_repository_prefix = optional(string)
    secret_name                = optional(string)
    credential_arn             = optional(string)
    custom_role_arn            = optional(string)
    template = optional(object({
      description          = optional(string)
      image_tag_mutability = optional(string, "MUTABLE")
      kms_key_arn          = optional(string)
      custom_role_arn      = optional(string)
      resource_tags        = optional(map(string), {})
      pull_account_ids     = optional(list(string), [])
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.rules) <= 50
    error_message = "${length(var.rules)} pull-through cache rules: ECR allows 50 in an account and region, and the quota cannot be raised. Mirror what remains."
  }

  validation {
    condition = alltrue([
      for prefix in keys(var.rules) :
      prefix == "ROOT" || (can(regex(local.prefix_pattern, prefix)) && length(prefix) >= 2 && length(prefix) <= 30)
    ])
    error_message = "A rule's prefix is ROOT, or 2 to 30 characters of lower case letters and digits. Single `.`, `_`, `-` or `/` stand between them, and none at the end. Wrong: ${join(", ", [
      for prefix in keys(var.rules) : prefix
      if !(prefix == "ROOT" || (can(regex(local.prefix_pattern, prefix)) && length(prefix) >= 2 && length(prefix) <= 30))
    ])}."
  }

  validation {
    condition = alltrue([for rule in values(var.rules) : can(regex(local.upstream_pattern, rule.upstream_registry_url))])
    error_message = "ECR pulls through registry-1.docker.io (that is Docker Hub), public.ecr.aws, registry.k8s.io, quay.io, ghcr.io, registry.gitlab.com, <name>.azurecr.io, cgr.dev and <account>.dkr.ecr.<region>.amazonaws.com. Each is written as a bare host. Mirror the images of any other registry. Wrong: ${join(", ", [
      for prefix, rule in var.rules : "${prefix} (${rule.upstream_registry_url})" if !can(regex(local.upstream_pattern, rule.upstream_registry_url))
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : rule.secret_name != null || rule.credential_arn != null
      if can(regex(local.secret_upstream_pattern, rule.upstream_registry_url))
    ])
    error_message = "Docker Hub, GitHub, GitLab, Azure and Chainguard are pulled through with credentials only: give secret_name or credential_arn. Missing: ${join(", ", [
      for prefix, rule in var.rules : prefix
      if can(regex(local.secret_upstream_pattern, rule.upstream_registry_url)) && rule.secret_name == null && rule.credential_arn == null
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : rule.secret_name == null && rule.credential_arn == null
      if can(regex(local.open_upstream_pattern, rule.upstream_registry_url))
    ])
    error_message = "ECR Public, Kubernetes, Quay and ECR take no secret: leave out secret_name and credential_arn. Wrong: ${join(", ", [
      for prefix, rule in var.rules : prefix
      if can(regex(local.open_upstream_pattern, rule.upstream_registry_url)) && (rule.secret_name != null || rule.credential_arn != null)
    ])}."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : rule.secret_name == null || rule.credential_arn == null])
    error_message = "A rule names its credentials once, by secret_name or by credential_arn. Twice: ${join(", ", [for prefix, rule in var.rules : prefix if rule.secret_name != null && rule.credential_arn != null])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : can(regex("^ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+$", rule.secret_name)) if rule.secret_name != null
    ])
    error_message = "ECR reads only secrets whose name begins with ecr-pullthroughcache/. Wrong: ${join(", ", [
      for prefix, rule in var.rules : "${prefix} (${rule.secret_name})" if rule.secret_name != null && !can(regex("^ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+$", rule.secret_name))
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : can(regex(local.secret_arn_pattern, rule.credential_arn)) if rule.credential_arn != null
    ])
    error_message = "credential_arn is the ARN of a Secrets Manager secret whose name begins with ecr-pullthroughcache/. Wrong: ${join(", ", [
      for prefix, rule in var.rules : prefix if rule.credential_arn != null && !can(regex(local.secret_arn_pattern, rule.credential_arn))
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : can(regex(local.ecr_pattern, rule.upstream_registry_url)) if rule.custom_role_arn != null
    ])
    error_message = "custom_role_arn of a rule is for an upstream ECR of another account; a template has its own. Wrong: ${join(", ", [
      for prefix, rule in var.rules : prefix if rule.custom_role_arn != null && !can(regex(local.ecr_pattern, rule.upstream_registry_url))
    ])}."
  }

  validation {
    condition = alltrue([
      for prefix, rule in var.rules : rule.custom_role_arn != null
      if var.account_id != null && can(regex(local.ecr_pattern, rule.upstream_registry_url)) && !startswith(rule.upstream_registry_url, "${coalesce(var.account_id, "none")}.")
    ])
    error_message = "An upstream ECR of another account needs custom_role_arn, the role that ECR pulls with. Missing: ${join(", ", [
      for prefix, rule in var.rules : prefix
      if var.account_id != null && can(regex(local.ecr_pattern, rule.upstream_registry_url)) && !startswith(rule.upstream_registry_url, "${coalesce(var.account_id, "none")}.") && rule.custom_role_arn == null
    ])}."
  }

  validation {
    condition = alltrue([
      for prefix, rule in var.rules : can(regex(local.ecr_pattern, rule.upstream_registry_url)) && prefix != "ROOT" && (rule.upstream_repository_prefix == "ROOT" || can(regex(local.prefix_pattern, rule.upstream_repository_prefix)))
      if rule.upstream_repository_prefix != null
    ])
    error_message = "upstream_repository_prefix is for an upstream ECR, not together with the prefix ROOT, and has the form of a prefix. Wrong: ${join(", ", [
      for prefix, rule in var.rules : prefix
      if rule.upstream_repository_prefix != null && !(can(regex(local.ecr_pattern, rule.upstream_registry_url)) && prefix != "ROOT" && (try(rule.upstream_repository_prefix == "ROOT", false) || can(regex(local.prefix_pattern, rule.upstream_repository_prefix))))
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : contains(["MUTABLE", "IMMUTABLE"], rule.template.image_tag_mutability) if rule.template != null
    ])
    error_message = "A template's image_tag_mutability is MUTABLE or IMMUTABLE (which stops ECR from refreshing cached tags). Wrong: ${join(", ", [
      for prefix, rule in var.rules : prefix if rule.template != null && !contains(["MUTABLE", "IMMUTABLE"], try(rule.template.image_tag_mutability, "MUTABLE"))
    ])}."
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) : rule.template.custom_role_arn != null
      if rule.template != null && (try(rule.template.kms_key_arn, null) != null || length(try(rule.template.resource_tags, {})) > 0)
    ])
    error_message = "A template with kms_key_arn or resource_tags needs custom_role_arn: without the role ECR cannot create the repository and the pull fails. Missing: ${join(", ", [
      for prefix, rule in var.rules : prefix
      if rule.template != null && try(rule.template.custom_role_arn, null) == null && (try(rule.template.kms_key_arn, null) != null || length(try(rule.template.resource_tags, {})) > 0)
    ])}."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : length(try(coalesce(rule.template.description, ""), "")) <= 255])
    error_message = "A template's description has at most 255 characters."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.rules) : [for account in try(rule.template.pull_account_ids, []) : can(regex("^[0-9]{12}$", account))]
    ]))
    error_message = "pull_account_ids of a template are AWS account ids of 12 digits."
  }
}

variable "account_id" {
  description = "Account that the rules live in. With it, an upstream ECR of another account is checked for its role; null skips that check."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is an AWS account id of 12 digits."
  }
}
