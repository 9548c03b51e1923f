################################################################################
# Repositories
################################################################################

variable "cluster_name" {
  description = "Name of the cluster that pulls from the repositories: 1 to 100 letters, digits, hyphens and underscores. The default repository is named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.cluster_name))
    error_message = "cluster_name is \"${var.cluster_name}\". EKS and ROSA cluster names have 1 to 100 letters, digits, hyphens and underscores, and begin with a letter or digit."
  }
}

variable "create_repository" {
  description = "Create the default repository. If false, there are only those of `repositories`."
  type        = bool
  default     = true
  nullable    = false
}

variable "repository_name" {
  description = "Name of the default repository, 2 to 256 characters in ECR's form. Empty means `<cluster_name>-registry`, in lower case."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition = var.repository_name == "" || (
      can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", var.repository_name))
      && length(var.repository_name) >= 2 && length(var.repository_name) <= 256
    )
    error_message = "repository_name is \"${var.repository_name}\". ECR repository names have 2 to 256 lower case letters and digits. Between these stand single dots, one or two underscores, hyphens or slashes, such as \"team/app\"."
  }

  validation {
    condition     = var.repository_name != "" || !var.create_repository || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", "${lower(var.cluster_name)}-registry"))
    error_message = "repository_name is empty and ECR refuses \"${lower(var.cluster_name)}-registry\", made from cluster_name. Give a repository_name, or create_repository = false."
  }
}

variable "repositories" {
  description = "More repositories, by name. Settings that an entry leaves out are the module's own. An entry with the default repository's name overrides that one's settings."
  type = map(object({
    image_tag_mutability     = optional(string)
    scan_on_push             = optional(bool)
    kms_key_arn              = optional(string)
    force_delete             = optional(bool)
    lifecycle_policy_enabled = optional(bool)
    lifecycle_policy         = optional(string)
    lifecycle_untagged_days  = optional(number)
    lifecycle_keep_count     = optional(number)
    pull_account_ids         = optional(list(string))
    tags                     = optional(map(string))
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for name in keys(var.repositories) :
      can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", name)) && length(name) >= 2 && length(name) <= 256
    ])
    error_message = "repositories has a name that ECR refuses. Names have 2 to 256 lower case letters and digits. Between these stand single dots, one or two underscores, hyphens or slashes, such as \"team/app\". Names given: ${join(", ", keys(var.repositories))}."
  }

  validation {
    condition     = alltrue([for own in values(var.repositories) : contains(["MUTABLE", "IMMUTABLE"], coalesce(own.image_tag_mutability, "MUTABLE"))])
    error_message = "repositories: image_tag_mutability is MUTABLE or IMMUTABLE. Wrong in: ${join(", ", [for name, own in var.repositories : name if !contains(["MUTABLE", "IMMUTABLE"], coalesce(own.image_tag_mutability, "MUTABLE"))])}."
  }

  validation {
    condition = alltrue([
      for own in values(var.repositories) : own.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", own.kms_key_arn))
    ])
    error_message = "repositories: kms_key_arn is the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), not of an alias. ECR answers with the key's ARN, and the difference would replace the repository."
  }

  validation {
    condition = alltrue([
      for own in values(var.repositories) :
      own.lifecycle_untagged_days == null || try(own.lifecycle_untagged_days >= 1 && floor(own.lifecycle_untagged_days) == own.lifecycle_untagged_days, false)
    ])
    error_message = "repositories: lifecycle_untagged_days is a whole number of days, 1 or more."
  }

  validation {
    condition = alltrue([
      for own in values(var.repositories) :
      own.lifecycle_keep_count == null || try(own.lifecycle_keep_count >= 1 && floor(own.lifecycle_keep_count) == own.lifecycle_keep_count, false)
    ])
    error_message = "repositories: lifecycle_keep_count is a whole number of images, 1 or more."
  }

  validation {
    condition = alltrue(flatten([
      for own in values(var.repositories) : [for account in coalesce(own.pull_account_ids, []) : can(regex("^[0-9]{12}$", account))]
    ]))
    error_message = "repositories: pull_account_ids are AWS account IDs of 12 digits, in quotes."
  }
}

variable "prevent_destroy" {
  description = "Protect the repositories: a plan that would delete one fails, and `protected_only` keeps them. They are tagged `Lifecycle = \"external\"`."
  type        = bool
  default     = false
  nullable    = false
}

variable "protected_only" {
  description = "Keep only what is protected: repositories with `prevent_destroy`, their policies, nothing else. This is how a destroy spares them."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_tag_mutability" {
  description = "MUTABLE or IMMUTABLE tags."
  type        = string
  default     = "MUTABLE"
  nullable    = false

  validation {
    condition     = contains(["MUTABLE", "IMMUTABLE"], var.image_tag_mutability)
    error_message = "image_tag_mutability is \"${var.image_tag_mutability}\". Write MUTABLE or IMMUTABLE."
  }
}

variable "scan_on_push" {
  description = "Scan images when they are pushed."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the repositories. Null means AES256. ECR cannot change the encryption of an existing repository, so a change replaces it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${coalesce(var.kms_key_arn, "null")}\". Give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), not of an alias. ECR answers with the key's ARN, and the difference would replace the repository."
  }
}

variable "force_delete" {
  description = "Let Terraform delete a repository that still holds images."
  type        = bool
  default     = false
  nullable    = false
}

variable "pull_account_ids" {
  description = "Other AWS accounts (12 digits each) that may pull from the repositories."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.pull_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "pull_account_ids has \"${join("\", \"", var.pull_account_ids)}\". AWS account IDs have 12 digits; write them in quotes."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}

################################################################################
# Lifecycle policy
################################################################################

variable "lifecycle_policy_enabled" {
  description = "Give the repositories a native lifecycle policy."
  type        = bool
  default     = true
  nullable    = false
}

variable "lifecycle_untagged_days" {
  description = "Days after their push when untagged images expire: a whole number, 1 or more."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.lifecycle_untagged_days >= 1 && floor(var.lifecycle_untagged_days) == var.lifecycle_untagged_days
    error_message = "lifecycle_untagged_days is ${var.lifecycle_untagged_days}. ECR takes a whole number of days, 1 or more."
  }
}

variable "lifecycle_keep_count" {
  description = "Number of images that are kept, whatever their tags: a whole number, 1 or more."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.lifecycle_keep_count >= 1 && floor(var.lifecycle_keep_count) == var.lifecycle_keep_count
    error_message = "lifecycle_keep_count is ${var.lifecycle_keep_count}. ECR takes a whole number of images, 1 or more."
  }
}

variable "lifecycle_policy" {
  description = "A lifecycle policy of your own (JSON), instead of the two rules made from `lifecycle_untagged_days` and `lifecycle_keep_count`. The plan refuses the mistakes that a reader misses; the provider checks nothing."
  type        = string
  default     = null
}

################################################################################
# OpenShift
################################################################################

variable "generate_idms" {
  description = "Offer an ImageDigestMirrorSet as outputs `idms_config_content` and `idms_config_path`. The module writes no file."
  type        = bool
  default     = false
  nullable    = false
}

variable "idms_mirrors" {
  description = "Entries of the ImageDigestMirrorSet: each source with its mirrors, in the order in which they are tried. Null means the registries of Red Hat's and its partners' operators (registry.redhat.io, registry.connect.redhat.com). They are mirrored below the default repository, as `oc mirror` lays them out."
  type = list(object({
    source               = string
    mirrors              = list(string)
    never_contact_source = optional(bool, false)
  }))
  default = null

  validation {
    condition = alltrue([
      for entry in coalesce(var.idms_mirrors, []) :
      can(regex("^(\\*(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)+|[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*(:[0-9]+)?(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*)$", entry.source))
    ])
    error_message = "idms_mirrors: a source is a registry (host[:port]) with or without a path, or a wildcard for hosts such as \"*.example.com\". It has no scheme, tag or digest. Sources given: ${join(", ", coalesce(var.idms_mirrors, []).*.source)}."
  }

  validation {
    condition = alltrue(flatten([
      for entry in coalesce(var.idms_mirrors, []) : [
        length(entry.mirrors) > 0,
        length(distinct(entry.mirrors)) == length(entry.mirrors),
        [for mirror in entry.mirrors : can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*(:[0-9]+)?(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", mirror))],
      ]
    ]))
    error_message = "idms_mirrors: every source has at least one mirror, each once, in the form host[:port][/path]; no scheme, tag, digest or wildcard."
  }
}

variable "idms_config_path" {
  description = "Path that the output `idms_config_path` names, relative to the project. Null means `generated/<cluster_name>/idms.yaml`."
  type        = string
  default     = null

  validation {
    condition     = var.idms_config_path == null || can(regex("^[^/]", var.idms_config_path)) && !contains(split("/", coalesce(var.idms_config_path, "x")), "..")
    error_message = "idms_config_path is \"${coalesce(var.idms_config_path, "null")}\". Give a path relative to the project, inside it."
  }
}

################################################################################
# VPC endpoints
################################################################################

variable "create_vpc_endpoints" {
  description = "Create interface endpoints for ECR in the VPC. Needs `vpc_id`, `private_subnet_ids` and one of `vpc_cidr` and `endpoint_security_group_ids`."
  type        = bool
  default     = true
  nullable    = false
}

variable "vpc_id" {
  description = "VPC of the endpoints. Needed with `create_vpc_endpoints`."
  type        = string
  default     = null

  validation {
    condition     = !var.create_vpc_endpoints || var.protected_only || var.vpc_id != null
    error_message = "vpc_id is missing. create_vpc_endpoints (true unless set) needs the VPC that the endpoints serve: give vpc_id, or create_vpc_endpoints = false."
  }
}

variable "private_subnet_ids" {
  description = "Subnets of the endpoints' network interfaces, one for each availability zone. Needed with `create_vpc_endpoints`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = !var.create_vpc_endpoints || var.protected_only || length(var.private_subnet_ids) > 0
    error_message = "private_subnet_ids is empty. create_vpc_endpoints (true unless set) needs at least one subnet of the VPC: give private_subnet_ids, or create_vpc_endpoints = false."
  }
}

variable "endpoint_security_group_ids" {
  description = "Existing security groups for the endpoints, instead of an own one."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "vpc_cidr" {
  description = "CIDR from which the endpoints' own security group admits HTTPS. A VPC with several blocks has a list of them. Needed with `create_vpc_endpoints` unless `endpoint_security_group_ids` are given."
  type        = any # a string or a list of strings
  default     = null

  validation {
    condition     = !var.create_vpc_endpoints || var.protected_only || var.vpc_cidr != null || length(var.endpoint_security_group_ids) > 0
    error_message = "vpc_cidr is missing. The endpoints' own security group admits HTTPS from it: give vpc_cidr, or existing groups in endpoint_security_group_ids, or create_vpc_endpoints = false."
  }
}
