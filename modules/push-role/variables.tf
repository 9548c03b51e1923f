variable "push_roles" {
  description = "Roles that push, by role name. They are had by IRSA (`oidc_provider_arn` and `subjects`) or by EKS Pod Identity (`pod_identity`). A subject is `system:serviceaccount:ci:builder`, where `*` and `?` are wildcards. Each is limited to `repositories`."
  type = map(object({
    repositories      = list(string)
    oidc_provider_arn = optional(string)
    subjects          = optional(list(string), [])
    audiences         = optional(list(string), ["sts.amazonaws.com"])
    pod_identity = optional(object({
      namespace       = string
      service_account = string
    }))
    permissions_boundary_arn = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for name, role in var.push_roles : can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", name))
    ])
    error_message = "push_roles: an IAM role name has 1 to 64 letters, digits and characters of _+=,.@-. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", name)))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : (role.oidc_provider_arn != null) != (role.pod_identity != null)
    ])
    error_message = "push_roles: a role is assumed in one way: give oidc_provider_arn with subjects (IRSA), or pod_identity, not both and not neither. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !((role.oidc_provider_arn != null) != (role.pod_identity != null))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : length(role.repositories) > 0
    ])
    error_message = "push_roles: a role without repositories could push nothing. Name them in repositories. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(length(role.repositories) > 0)])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : alltrue([for repository in role.repositories : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", repository)) && length(repository) >= 2 && length(repository) <= 256])
    ])
    error_message = "push_roles: repositories are names of single ECR repositories, such as \"team/app\"; no wildcards, registries or tags. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(alltrue([for repository in role.repositories : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", repository)) && length(repository) >= 2 && length(repository) <= 256]))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.oidc_provider_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?$[:space:]][^*?$[:space:]]*$", role.oidc_provider_arn))
    ])
    error_message = "push_roles: oidc_provider_arn has the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.oidc_provider_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?$[:space:]][^*?$[:space:]]*$", role.oidc_provider_arn)))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.oidc_provider_arn == null || length(role.subjects) > 0
    ])
    error_message = "push_roles: without subjects every identity of the OIDC provider could push. Name them, such as \"system:serviceaccount:ci:builder\". Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.oidc_provider_arn == null || length(role.subjects) > 0)])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.pod_identity == null || length(role.subjects) == 0
    ])
    error_message = "push_roles: subjects belong to oidc_provider_arn; pod_identity names its namespace and service_account. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.pod_identity == null || length(role.subjects) == 0)])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : alltrue([for subject in role.subjects : subject != "" && !strcontains(subject, "$${") && (!can(regex("[*?]", subject)) || can(regex(startswith(subject, "system:") ? "^system:serviceaccount:[^*?:]+:" : "^[^*?:]+:[^*?:/]+[:/]", subject)))])
    ])
    error_message = "push_roles: a subject with $${…}, or with a wildcard before or inside its namespace or owner, admits strangers. Name the namespace, such as \"system:serviceaccount:ci:*\". Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(alltrue([for subject in role.subjects : subject != "" && !strcontains(subject, "$${") && (!can(regex("[*?]", subject)) || can(regex(startswith(subject, "system:") ? "^system:serviceaccount:[^*?:]+:" : "^[^*?:]+:[^*?:/]+[:/]", subject)))]))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.oidc_provider_arn == null || (length(role.audiences) > 0 && alltrue([for audience in role.audiences : can(regex("^[^*?]+$", audience))]))
    ])
    error_message = "push_roles: audiences are compared exactly: give at least one, without wildcards, such as \"sts.amazonaws.com\". Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.oidc_provider_arn == null || (length(role.audiences) > 0 && alltrue([for audience in role.audiences : can(regex("^[^*?]+$", audience))])))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.pod_identity == null || alltrue([for value in try([role.pod_identity.namespace, role.pod_identity.service_account], []) : can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", value))])
    ])
    error_message = "push_roles: pod_identity takes the names of one namespace and one service account; no wildcards. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.pod_identity == null || alltrue([for value in try([role.pod_identity.namespace, role.pod_identity.service_account], []) : can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", value))]))])}."
  }

  validation {
    condition = alltrue([
      for name, role in var.push_roles : role.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?$[:space:]]+$", role.permissions_boundary_arn))
    ])
    error_message = "push_roles: permissions_boundary_arn is the ARN of an IAM policy. Wrong in: ${join(", ", [for name, role in var.push_roles : name if !(role.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?$[:space:]]+$", role.permissions_boundary_arn)))])}."
  }
}

variable "cluster_name" {
  description = "EKS cluster of the Pod Identity associations. Needed with `pod_identity`."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_name != null || alltrue([for role in values(var.push_roles) : role.pod_identity == null])
    error_message = "cluster_name is missing. Roles with pod_identity are associated with service accounts of one EKS cluster: give its name."
  }
}

variable "registry_account_id" {
  description = "Account of the registry that is pushed to. Null means the own account."
  type        = string
  default     = null

  validation {
    condition     = var.registry_account_id == null || can(regex("^[0-9]{12}$", var.registry_account_id))
    error_message = "registry_account_id is \"${coalesce(var.registry_account_id, "null")}\". AWS account IDs have 12 digits; write it in quotes."
  }
}

variable "registry_region" {
  description = "Region of the registry that is pushed to. Null means the provider's."
  type        = string
  default     = null

  validation {
    condition     = var.registry_region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.registry_region))
    error_message = "registry_region is \"${coalesce(var.registry_region, "null")}\". Give an AWS region such as \"eu-central-1\"."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
