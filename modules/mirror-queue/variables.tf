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
  description = "Name of queue and table; the dead letters and the role begin with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{2,39}$", var.name))
    error_message = "name is \"${var.name}\". It has 3 to 40 letters, digits, hyphens and underscores."
  }
}

variable "max_receives" {
  description = "Number of times that SQS hands a message out before it goes to the dead letters. Workers give a copy up after three failures themselves."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.max_receives >= 10 && var.max_receives <= 1000 && floor(var.max_receives) == var.max_receives
    error_message = "max_receives is ${var.max_receives}. Write 10 to 1000: a message of a copy that another worker holds is handed out, too."
  }
}

variable "prefixes" {
  description = "Prefixes of the repositories that workers copy into."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.prefixes : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "prefixes are beginnings of repository names, without a slash at the end. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])}."
  }
}

variable "repository_kms_key_arn" {
  description = "KMS key of repositories that workers make. Null where they have none of their own."
  type        = string
  default     = null

  validation {
    condition     = var.repository_kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.repository_kms_key_arn))
    error_message = "repository_kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the workers' role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?$[:space:]]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of an IAM policy."
  }
}

variable "workers" {
  description = "Role of workers in `cluster`: IRSA (`oidc_provider_arn`) or EKS Pod Identity (`pod_identity`). Null makes none, for workers with credentials of their own."
  type = object({
    cluster           = string
    oidc_provider_arn = optional(string)
    audience          = optional(string, "sts.amazonaws.com")
    pod_identity      = optional(bool, false)
    namespace         = optional(string, "ecr-mirror")
    service_account   = optional(string, "ecr-mirror")
  })
  default = null

  validation {
    condition     = var.workers == null || (try(var.workers.oidc_provider_arn, null) != null) != try(var.workers.pod_identity, false)
    error_message = "workers take their role in one way: give oidc_provider_arn (IRSA), or pod_identity = true, not both and not neither."
  }

  validation {
    condition     = try(var.workers.oidc_provider_arn, null) == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?$[:space:]][^*?$[:space:]]*$", var.workers.oidc_provider_arn))
    error_message = "workers.oidc_provider_arn has the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>."
  }

  validation {
    condition     = var.workers == null || alltrue([for name in try([var.workers.namespace, var.workers.service_account], []) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "workers: namespace and service_account are names of Kubernetes, without wildcards."
  }

  validation {
    condition     = var.workers == null || can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.workers.cluster))
    error_message = "workers.cluster is the name of the cluster: 1 to 100 letters, digits, hyphens and underscores."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
