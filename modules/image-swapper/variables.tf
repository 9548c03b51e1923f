variable "account_id" {
  description = "Account of queue, table and registry (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "name" {
  description = "Name of queue and table; the dead letters, the queue of deletions and the role begin with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{2,39}$", var.name))
    error_message = "name is \"${var.name}\". It has 3 to 40 letters, digits, hyphens and underscores."
  }
}

variable "prefixes" {
  description = "Prefixes of the repositories that are copied into, and whose deletions are told. Without one, all deletions of the registry are."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.prefixes : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "prefixes are beginnings of repository names, without a slash at the end. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])}."
  }
}

variable "lifecycle_policies" {
  description = "The webhook puts a lifecycle policy on repositories that it makes (`ecrOptions.lifecyclePolicy` of its file)."
  type        = bool
  default     = false
  nullable    = false
}

variable "first_pull_prefixes" {
  description = "Prefixes of pull-through rules that the webhook makes first pulls through (`--pull-through-policy exists-or-warm`)."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.first_pull_prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "first_pull_prefixes are prefixes of rules, without a slash at the end, or ROOT. Given: ${join(", ", var.first_pull_prefixes)}."
  }
}

variable "repository_kms_key_arn" {
  description = "KMS key of repositories that the webhook makes. Null where they have none of their own."
  type        = string
  default     = null

  validation {
    condition     = var.repository_kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.repository_kms_key_arn))
    error_message = "repository_kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the Pods' role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?$[:space:]]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of an IAM policy."
  }
}

variable "pods" {
  description = "Role of the webhook's Pods in `cluster`: IRSA (`oidc_provider_arn`) or EKS Pod Identity (`pod_identity`). Null makes none, for Pods with a role of their own."
  type = object({
    cluster           = string
    oidc_provider_arn = optional(string)
    audience          = optional(string, "sts.amazonaws.com")
    pod_identity      = optional(bool, false)
    namespace         = optional(string, "ecr-swapper")
    service_account   = optional(string, "ecr-swapper")
  })
  default = null

  validation {
    condition     = var.pods == null || (try(var.pods.oidc_provider_arn, null) != null) != try(var.pods.pod_identity, false)
    error_message = "pods take their role in one way: give oidc_provider_arn (IRSA), or pod_identity = true, not both and not neither."
  }

  validation {
    condition     = try(var.pods.oidc_provider_arn, null) == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?$[:space:]][^*?$[:space:]]*$", var.pods.oidc_provider_arn))
    error_message = "pods.oidc_provider_arn has the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>."
  }

  validation {
    condition     = var.pods == null || alltrue([for name in try([var.pods.namespace, var.pods.service_account], []) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "pods: namespace and service_account are names of Kubernetes, without wildcards."
  }

  validation {
    condition     = var.pods == null || can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.pods.cluster))
    error_message = "pods.cluster is the name of the cluster: 1 to 100 letters, digits, hyphens and underscores."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
