variable "name" {
  description = "Name that the endpoints and their security group are tagged with, such as the cluster's: 1 to 200 characters."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.name) >= 1 && length(var.name) <= 200
    error_message = "name has ${length(var.name)} characters. It becomes part of names and tags: give 1 to 200."
  }
}

################################################################################
# Place
################################################################################

variable "vpc_id" {
  description = "VPC that the endpoints serve. Needed."
  type        = string
  default     = null

  validation {
    condition     = try(length(var.vpc_id) > 0, false)
    error_message = "vpc_id is missing. Endpoints belong to one VPC: give its ID (vpc-...), or make no endpoints (create_vpc_endpoints = false)."
  }
}

variable "private_subnet_ids" {
  description = "Subnets of the interface endpoints' network interfaces, one for each availability zone. Needed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.private_subnet_ids) > 0
    error_message = "private_subnet_ids is empty. Interface endpoints need at least one subnet of the VPC, or make no endpoints (create_vpc_endpoints = false)."
  }
}

variable "vpc_cidr" {
  description = "CIDR from which the endpoints' own security group admits HTTPS. It may be a list of all blocks of the VPC: secondary ones (100.64.0.0/16) and IPv6 as well. With private DNS a Pod in a block that is left out reaches neither ECR nor STS. Needed unless `endpoint_security_group_ids` are given, and then not used."
  type        = any # a string or a list of strings
  default     = null

  validation {
    condition     = var.vpc_cidr == null || (can(tostring(var.vpc_cidr)) || can([for cidr in var.vpc_cidr : tostring(cidr)]))
    error_message = "vpc_cidr is a CIDR in quotes, such as \"10.0.0.0/16\", or a list of them."
  }

  validation {
    condition     = alltrue([for cidr in try([tostring(var.vpc_cidr)], [for cidr in var.vpc_cidr : tostring(cidr)], []) : try(cidrsubnet(cidr, 0, 0) == cidr, false) if cidr != null])
    error_message = "vpc_cidr is \"${try(join("\", \"", try([tostring(var.vpc_cidr)], [for cidr in var.vpc_cidr : tostring(cidr)])), "null")}\". Give each block as a CIDR that begins at its network address, such as \"10.0.0.0/16\"."
  }

  validation {
    condition     = length(var.endpoint_security_group_ids) > 0 || try(length(var.vpc_cidr) > 0, false)
    error_message = "vpc_cidr is missing. The endpoints' own security group admits HTTPS from it: give the VPC's CIDR, or existing security groups in endpoint_security_group_ids."
  }
}

variable "endpoint_security_group_ids" {
  description = "Existing security groups for the interface endpoints, at most 16 (5 unless the quota was raised), instead of an own one. They must admit port 443 from the nodes."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.endpoint_security_group_ids) <= 16
    error_message = "endpoint_security_group_ids has ${length(var.endpoint_security_group_ids)} entries; AWS accepts at most 16 security groups on a network interface, and 5 unless the quota was raised."
  }
}

variable "private_route_table_ids" {
  description = "Route tables that the S3 gateway endpoint is added to. Needed with `s3` in `extra_endpoints`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = !contains(var.extra_endpoints, "s3") || length(var.private_route_table_ids) > 0
    error_message = "private_route_table_ids is empty. The s3 endpoint of extra_endpoints is a gateway: it works through the route tables of the private subnets. Give their IDs, or leave s3 out."
  }
}

################################################################################
# Services
################################################################################

variable "extra_endpoints" {
  description = "Endpoints besides ecr.api and ecr.dkr: s3 (gateway, where ECR keeps layers), sts, logs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for service in var.extra_endpoints : contains(["s3", "sts", "logs"], service)])
    error_message = "extra_endpoints has \"${join("\", \"", var.extra_endpoints)}\". Only s3, sts and logs can be added; ecr.api and ecr.dkr are always there."
  }
}

variable "service_names" {
  description = "Full service names by short name (ecr.api, ecr.dkr, s3, sts, logs), where the usual ones do not apply."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for service in keys(var.service_names) : contains(["ecr.api", "ecr.dkr", "s3", "sts", "logs"], service)])
    error_message = "service_names has ${join(", ", keys(var.service_names))}. Its keys are short names: ecr.api, ecr.dkr, s3, sts, logs."
  }
}

variable "private_dns_enabled" {
  description = "Let the services' usual host names resolve to the endpoints within the VPC. Without it image pulls do not use the endpoints."
  type        = bool
  default     = true
  nullable    = false
}

################################################################################
# Endpoint policies
################################################################################

variable "principal_account_ids" {
  description = "Accounts whose identities may use the endpoints. Empty means the own account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.principal_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "principal_account_ids has \"${join("\", \"", var.principal_account_ids)}\". AWS account IDs have 12 digits; write them in quotes."
  }
}

variable "registry_account_ids" {
  description = "Accounts whose repositories are pulled from (and imported or pushed into, where allowed). Empty means the own account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.registry_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "registry_account_ids has \"${join("\", \"", var.registry_account_ids)}\". AWS account IDs have 12 digits; write them in quotes."
  }
}

variable "pull_account_ids" {
  description = "Further accounts whose repositories are pulled from and nothing else: upstream ECR registries, vendors."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.pull_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "pull_account_ids has \"${join("\", \"", var.pull_account_ids)}\". AWS account IDs have 12 digits; write them in quotes."
  }
}

variable "platform_registry_account_ids" {
  description = "Accounts of the platform's registries: pull only. Null means those of EKS add-ons, of Bottlerocket's host containers and of GuardDuty's agent in this region. [] means none, [\"*\"] any account (ROSA with hosted control planes pulls its release images from a registry of Red Hat's)."
  type        = list(string)
  default     = null

  validation {
    condition = alltrue([
      for account in coalesce(var.platform_registry_account_ids, []) : can(regex("^([0-9]{12}|\\*)$", account))
    ])
    error_message = "platform_registry_account_ids has \"${join("\", \"", coalesce(var.platform_registry_account_ids, []))}\". Give AWS account IDs of 12 digits, in quotes, or \"*\" for any."
  }
}

variable "allow_import" {
  description = "Let pulls import images through pull-through cache rules (ecr:BatchImportUpstreamImage, ecr:CreateRepository)."
  type        = bool
  default     = false
  nullable    = false
}

variable "allow_push" {
  description = "Let images be pushed through the endpoints."
  type        = bool
  default     = false
  nullable    = false
}

variable "additional_ecr_actions" {
  description = "Further ECR actions on the repositories of `registry_account_ids` for tools inside the VPC, such as ecr:DescribeImages."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for action in var.additional_ecr_actions : can(regex("^ecr:[A-Z][A-Za-z]+$", action))])
    error_message = "additional_ecr_actions has \"${join("\", \"", var.additional_ecr_actions)}\". Write each action out, such as \"ecr:DescribeImages\"; no wildcards."
  }
}

variable "s3_bucket_names" {
  description = "Buckets that workloads use besides ECR's layer bucket. A gateway endpoint takes all S3 traffic of its route tables, and its policy admits only the registries' layer buckets and these."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for bucket in var.s3_bucket_names : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket))])
    error_message = "s3_bucket_names has \"${join("\", \"", var.s3_bucket_names)}\". Give names of buckets: 3 to 63 lower case letters, digits, dots and hyphens; no ARNs, no wildcards."
  }
}

variable "public_layer_buckets" {
  description = "Let layers be read from the buckets that registry.k8s.io and quay.io send clients in AWS to. Without them a pull from there ends in 403 at the gateway endpoint."
  type        = bool
  default     = true
  nullable    = false
}

variable "s3_put_objects" {
  description = "Objects, as `bucket/key`, that the VPC's identities may write and do nothing else with. An example is a cluster's snapshot of what it runs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for object in var.s3_put_objects : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[0-9A-Za-z_./-]+$", object))])
    error_message = "s3_put_objects has \"${join("\", \"", var.s3_put_objects)}\". Give the name of a bucket, a slash and the whole key, such as \"records/snapshots/prod.json\"; no ARNs, no wildcards."
  }
}

variable "sts_role_account_ids" {
  description = "Accounts whose roles may be assumed through the sts endpoint. Empty means the own account."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.sts_role_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "sts_role_account_ids has \"${join("\", \"", var.sts_role_account_ids)}\". AWS account IDs have 12 digits; write them in quotes."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
