variable "push_roles" {
  description = "Roles that push, by role name: IRSA (`oidc_provider_arn` and `subjects` such as `system:serviceaccount:ci:builder`, where `*` and `?` are wildcards) or EKS Pod Identity (`pod_identity`), each limited to `repositories`."
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
}

variable "cluster_name" {
  description = "EKS cluster of the Pod Identity associations. Needed with `pod_identity`."
  type        = string
  default     = null
}

variable "registry_account_id" {
  description = "Account of the registry that is pushed to. Null means the own account."
  type        = string
  default     = null
}

variable "registry_region" {
  description = "Region of the registry that is pushed to. Null means the provider's."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
