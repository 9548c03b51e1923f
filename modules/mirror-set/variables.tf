variable "cluster_name" {
  description = "Name of the cluster: the object is called `<cluster_name>-ecr`, in lower case."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.cluster_name))
    error_message = "cluster_name is \"${var.cluster_name}\". It has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit."
  }
}

variable "environment" {
  description = "Name of the environment, for the object's labels."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$", var.environment))
    error_message = "environment is \"${var.environment}\". It has 1 to 100 letters, digits and characters of ._-."
  }
}

variable "platform" {
  description = "The cluster's platform: eks, rosa-classic or rosa-hcp. ROSA Classic takes no mirrors of Red Hat's own registries."
  type        = string
  default     = "rosa-hcp"
  nullable    = false

  validation {
    condition     = contains(["eks", "rosa-classic", "rosa-hcp"], var.platform)
    error_message = "platform is \"${var.platform}\". Write eks, rosa-classic or rosa-hcp."
  }
}

variable "registry_host" {
  description = "Host of the registry that the mirrors are in, such as 111122223333.dkr.ecr.us-east-1.amazonaws.com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z]{2,}(-[a-z]+)+-[0-9]+\\.[a-z0-9.-]+$", var.registry_host))
    error_message = "registry_host is \"${var.registry_host}\". It is a registry of ECR: an account of 12 digits and a region, as in 111122223333.dkr.ecr.us-east-1.amazonaws.com."
  }
}

variable "pull_through_cache_rules" {
  description = "Pull-through cache rules by prefix (or ROOT), as the module pull-through-cache takes them. `source` narrows a route to a path of the upstream."
  type = map(object({
    upstream_registry_url      = string
    upstream_repository_prefix = optional(string)
    source                     = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for rule in values(var.pull_through_cache_rules) : can(regex("^[a-z0-9.-]+$", rule.upstream_registry_url))])
    error_message = "pull_through_cache_rules: upstream_registry_url is a bare host in lower case, such as registry-1.docker.io. Wrong: ${join(", ", [for prefix, rule in var.pull_through_cache_rules : prefix if !can(regex("^[a-z0-9.-]+$", rule.upstream_registry_url))])}."
  }

  validation {
    condition     = alltrue([for rule in values(var.pull_through_cache_rules) : rule.source == null || can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", rule.source))])
    error_message = "pull_through_cache_rules: source is a registry, optionally with a path: docker.io/library. Wrong: ${join(", ", [for prefix, rule in var.pull_through_cache_rules : prefix if !(rule.source == null || can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", rule.source)))])}."
  }
}

variable "mirrors" {
  description = "Sources whose images are copied below a prefix, by prefix."
  type = map(object({
    source = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for mirror in values(var.mirrors) : can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", mirror.source))])
    error_message = "mirrors: source is a registry, optionally with a path: mcr.microsoft.com or mcr.microsoft.com/dotnet. Wrong: ${join(", ", [for prefix, mirror in var.mirrors : prefix if !can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", mirror.source))])}."
  }

  validation {
    condition     = length(setintersection(keys(var.mirrors), keys(var.pull_through_cache_rules))) == 0
    error_message = "mirrors and pull_through_cache_rules share the prefix ${join(", ", setintersection(keys(var.mirrors), keys(var.pull_through_cache_rules)))}. A prefix belongs to one of them."
  }
}

variable "include" {
  description = "Only these sources (registry, optionally with a path) are redirected. Empty means all that a route matches."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for source in var.include : can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", source))])
    error_message = "include: a source is a registry, optionally with a path: docker.io/library. Wrong: ${join(", ", [for source in var.include : source if !can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", source))])}."
  }
}

variable "exclude" {
  description = "Sources (registry, optionally with a path) that are left alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for source in var.exclude : can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", source))])
    error_message = "exclude: a source is a registry, optionally with a path: docker.io/library. Wrong: ${join(", ", [for source in var.exclude : source if !can(regex("^[^/@*? ]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$", source))])}."
  }
}

variable "allow_upstream" {
  description = "May a pull fall back to its source? False writes NeverContactSource."
  type        = bool
  default     = true
  nullable    = false
}

variable "digest_references" {
  description = "The way of a reference with a digest on a pull-through route: leave or redirect. It is part of the digest that tells a stale document. Null means leave where `allow_upstream`, else redirect."
  type        = string
  default     = null

  validation {
    condition     = contains(["leave", "redirect"], coalesce(var.digest_references, "leave"))
    error_message = "digest_references is leave, redirect or null."
  }
}
