variable "name" {
  description = "Name of the cluster: the inline policy is called `<name>-ecr-pull`, so that clusters which share a role stay apart. 1 to 100 letters, digits and `+=,.@_-`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z+=,.@_-]{1,100}$", var.name))
    error_message = "name is \"${var.name}\". It becomes part of an IAM policy's name: 1 to 100 letters, digits and +=,.@_-."
  }
}

variable "attach" {
  description = "Give the roles their rights. False takes them away and looks nothing up."
  type        = bool
  default     = true
  nullable    = false
}

################################################################################
# Who pulls
################################################################################

variable "node_role_names" {
  description = "IAM roles of EKS nodes, by name (not ARN)."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.node_role_names : can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])
    error_message = "node_role_names are names of IAM roles (1 to 64 letters, digits and +=,.@_-), without path or ARN. Wrong: ${join(", ", [for role in var.node_role_names : role if !can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])}."
  }
}

variable "node_roles" {
  description = "Further roles of nodes, by keys of your own. It is for names that are known only after apply, such as a role's that the same configuration makes."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in values(var.node_roles) : can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])
    error_message = "node_roles are names of IAM roles (1 to 64 letters, digits and +=,.@_-), without path or ARN. Wrong: ${join(", ", [for key, role in var.node_roles : key if !can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])}."
  }

  validation {
    condition     = length(setintersection(keys(var.node_roles), concat(var.node_role_names, var.fargate_execution_role_names))) == 0
    error_message = "node_roles has a key that is the name of another role: ${join(", ", setintersection(keys(var.node_roles), concat(var.node_role_names, var.fargate_execution_role_names)))}. Choose another key."
  }
}

variable "fargate_execution_role_names" {
  description = "Pod execution roles of EKS Fargate profiles, by name (not ARN)."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.fargate_execution_role_names : can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])
    error_message = "fargate_execution_role_names are names of IAM roles (1 to 64 letters, digits and +=,.@_-), without path or ARN. Wrong: ${join(", ", [for role in var.fargate_execution_role_names : role if !can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", role))])}."
  }
}

variable "worker_role_prefix" {
  description = "ROSA Classic: prefix of the account roles. The workers of all its clusters run as `<prefix>-Worker-Role`."
  type        = string
  default     = null

  validation {
    condition     = var.worker_role_prefix == null || can(regex("^[0-9A-Za-z+=,.@_-]{1,52}$", var.worker_role_prefix))
    error_message = "worker_role_prefix is the part before -Worker-Role: 1 to 52 letters, digits and +=,.@_-."
  }

  validation {
    condition     = !endswith(coalesce(var.worker_role_prefix, "none"), "-Worker-Role")
    error_message = "worker_role_prefix is \"${coalesce(var.worker_role_prefix, "none")}\". Leave out -Worker-Role, which is added."
  }
}

variable "machine_pools" {
  description = "ROSA HCP: machine pools by name, each with its instance profile by name (not ARN). The profile must exist: its role is looked up. Pools that share a role need no more than one entry with `attach_ecr_policy`."
  type = map(object({
    instance_profile  = string
    attach_ecr_policy = optional(bool, true)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for pool in values(var.machine_pools) : can(regex("^[0-9A-Za-z+=,.@_-]{1,128}$", pool.instance_profile))])
    error_message = "machine_pools: instance_profile is the name of an instance profile (1 to 128 letters, digits and +=,.@_-), without path or ARN. Wrong: ${join(", ", [for name, pool in var.machine_pools : name if !can(regex("^[0-9A-Za-z+=,.@_-]{1,128}$", pool.instance_profile))])}."
  }
}

################################################################################
# What is pulled
################################################################################

variable "registry" {
  description = "The registry that the cluster's images come from: account (12 digits) and region."
  type = object({
    account_id = string
    region     = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.registry.account_id))
    error_message = "registry.account_id is \"${var.registry.account_id}\". An AWS account id has 12 digits."
  }

  validation {
    condition     = can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", var.registry.region))
    error_message = "registry.region is \"${var.registry.region}\". Write an AWS region such as us-east-1."
  }
}

variable "other_registries" {
  description = "Further registries that nodes pull from (not through), such as the own account's beside a central one."
  type = list(object({
    account_id = string
    region     = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for registry in var.other_registries : can(regex("^[0-9]{12}$", registry.account_id)) && can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", registry.region))])
    error_message = "other_registries have an account_id of 12 digits and a region such as us-east-1."
  }
}

variable "pull_through_prefixes" {
  description = "Prefixes of pull-through cache rules (or ROOT). Below them, nodes may make ECR import an image and create its repository. The first pull needs that, and AWS's managed pull policies leave out."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.pull_through_prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "pull_through_prefixes are ECR repository prefixes without a slash at the end, or ROOT. Wildcards would grant more than the rules. Wrong: ${join(", ", [for prefix in var.pull_through_prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "attached_elsewhere" {
  description = "Roles (by name, or key of `node_roles`) that have `managed_policy_name` already, from somebody else. Theirs stays as it is, and no destroy detaches it."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "managed_policy_name" {
  description = "AWS managed policy that is attached besides the inline policy: AmazonEC2ContainerRegistryReadOnly or AmazonEC2ContainerRegistryPullOnly. Null attaches none, which is right where another tool (eksctl, the EKS module) attaches it. Detaching it here would take it away there."
  type        = string
  default     = null

  validation {
    condition     = contains(["AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly"], coalesce(var.managed_policy_name, "AmazonEC2ContainerRegistryReadOnly"))
    error_message = "managed_policy_name is AmazonEC2ContainerRegistryReadOnly, AmazonEC2ContainerRegistryPullOnly or null: nodes pull, they do not push."
  }
}
