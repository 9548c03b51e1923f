variable "account_id" {
  description = "Account that the registry belongs to (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "consumer_account_ids" {
  description = "Other accounts (12 digits each) whose clusters pull from this registry, and may make it import images below `import_prefixes`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.consumer_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "consumer_account_ids are AWS account ids of 12 digits. Wrong: ${join(", ", [for account in var.consumer_account_ids : account if !can(regex("^[0-9]{12}$", account))])}."
  }

  validation {
    condition     = !contains(var.consumer_account_ids, var.account_id)
    error_message = "consumer_account_ids contains ${var.account_id}, the registry's own account. Identities of that account need no registry policy: leave it out."
  }
}

variable "import_prefixes" {
  description = "Prefixes of the registry's pull-through cache rules (or ROOT): consumers may import below them only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.import_prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "import_prefixes are ECR repository prefixes without a slash at the end, or ROOT. Wildcards would grant more than the rules. Wrong: ${join(", ", [for prefix in var.import_prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "mirror_prefixes" {
  description = "Prefixes below which images are mirrored: consumers may pull there, as below `import_prefixes`, and nowhere else."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.mirror_prefixes : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "mirror_prefixes are ECR repository prefixes without a slash at the end; wildcards would let consumers pull more than the mirrors. Wrong: ${join(", ", [for prefix in var.mirror_prefixes : prefix if !can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])}."
  }
}

variable "root_template" {
  description = "Repository creation template for prefixes without one of their own (ROOT). A key or tags need `custom_role_arn`, with which ECR makes such repositories. Null makes none."
  type = object({
    description          = optional(string)
    image_tag_mutability = optional(string, "MUTABLE")
    kms_key_arn          = optional(string)
    custom_role_arn      = optional(string)
    resource_tags        = optional(map(string), {})
    pull_account_ids     = optional(list(string), [])
  })
  default = null

  validation {
    condition     = contains(["MUTABLE", "IMMUTABLE"], try(var.root_template.image_tag_mutability, "MUTABLE"))
    error_message = "root_template.image_tag_mutability is MUTABLE or IMMUTABLE (which stops ECR from refreshing cached tags)."
  }

  validation {
    condition     = try(var.root_template.custom_role_arn, null) != null || (try(var.root_template.kms_key_arn, null) == null && length(try(var.root_template.resource_tags, {})) == 0)
    error_message = "root_template with kms_key_arn or resource_tags needs custom_role_arn: without the role ECR cannot create the repository and the pull fails."
  }

  validation {
    condition     = length(try(coalesce(var.root_template.description, ""), "")) <= 255
    error_message = "root_template.description has at most 255 characters."
  }

  validation {
    condition     = alltrue([for account in try(var.root_template.pull_account_ids, []) : can(regex("^[0-9]{12}$", account))])
    error_message = "root_template.pull_account_ids are AWS account ids of 12 digits."
  }
}

variable "scanning" {
  description = "Scanning of the whole registry. It is BASIC (at most SCAN_ON_PUSH rules) or ENHANCED (also CONTINUOUS_SCAN), with at most one rule a frequency. Null leaves the registry's scanning as it is."
  type = object({
    scan_type = string
    rules = optional(list(object({
      scan_frequency      = string
      repository_patterns = list(string)
    })), [])
  })
  default = null

  validation {
    condition     = contains(["BASIC", "ENHANCED"], try(var.scanning.scan_type, "BASIC"))
    error_message = "scanning.scan_type is BASIC or ENHANCED."
  }

  validation {
    condition = alltrue([
      for rule in try(var.scanning.rules, []) :
      contains(var.scanning.scan_type == "BASIC" ? ["SCAN_ON_PUSH"] : ["SCAN_ON_PUSH", "CONTINUOUS_SCAN"], rule.scan_frequency)
    ])
    error_message = "scanning.rules: scan_frequency is SCAN_ON_PUSH, or with ENHANCED also CONTINUOUS_SCAN. Repositories that no rule names are scanned on request only."
  }

  validation {
    condition     = length(distinct([for rule in try(var.scanning.rules, []) : rule.scan_frequency])) == length(try(var.scanning.rules, []))
    error_message = "scanning.rules: ECR takes one rule for each scan_frequency. Put all patterns of a frequency into one rule."
  }

  validation {
    condition     = alltrue([for rule in try(var.scanning.rules, []) : length(rule.repository_patterns) >= 1 && length(rule.repository_patterns) <= 100])
    error_message = "scanning.rules: a rule has 1 to 100 repository_patterns."
  }

  validation {
    condition = alltrue(flatten([
      for rule in try(var.scanning.rules, []) : [for pattern in rule.repository_patterns : can(regex("^[a-z0-9*](?:[._/-]?[a-z0-9*]+)*$", pattern)) && length(pattern) <= 255]
    ]))
    error_message = "scanning.rules: a pattern is a repository name in which `*` stands for any characters, such as prod-* or docker-hub/*. The provider (5.100) takes no `__` or `--`. Wrong: ${join(", ", flatten([
      for rule in try(var.scanning.rules, []) : [for pattern in rule.repository_patterns : pattern if !(can(regex("^[a-z0-9*](?:[._/-]?[a-z0-9*]+)*$", pattern)) && length(pattern) <= 255)]
    ]))}."
  }
}

variable "policy_statements" {
  description = "Further statements of the registry policy, as IAM writes them, each with a Sid of its own."
  type        = any
  default     = []
  nullable    = false

  validation {
    condition     = can([for statement in var.policy_statements : [statement.Sid, statement.Effect, statement.Principal, statement.Action]])
    error_message = "policy_statements is a list of statements with Sid, Effect, Principal and Action."
  }

  validation {
    condition     = length(distinct(concat([for statement in var.policy_statements : try(statement.Sid, "")], ["ConsumersImport", "ConsumersPull"]))) == length(var.policy_statements) + 2
    error_message = "policy_statements: each has a Sid of its own, and none is ConsumersImport or ConsumersPull, which this module writes."
  }
}

variable "others" {
  description = "Others' parts of the registry's settings. Statements of its policy (JSON) and scanning rules are kept. Further there are the policy's scope and the scan type that the registry had before. Empty means that nobody has anything."
  type = object({
    registry_policy_statements = optional(string, "[]")
    registry_policy_scope      = optional(string)
    scan_type                  = optional(string)
    scanning_rules = optional(list(object({
      scan_frequency      = string
      repository_patterns = list(string)
    })), [])
  })
  default  = {}
  nullable = false
}

variable "account_settings" {
  description = "ECR account settings by name: BASIC_SCAN_TYPE_VERSION (AWS_NATIVE or CLAIR), REGISTRY_POLICY_SCOPE (V1 or V2). Empty leaves them as they are."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.account_settings) : contains(["BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE"], name)])
    error_message = "account_settings knows BASIC_SCAN_TYPE_VERSION and REGISTRY_POLICY_SCOPE; the provider (5.100) can set no other. Wrong: ${join(", ", [for name in keys(var.account_settings) : name if !contains(["BASIC_SCAN_TYPE_VERSION", "REGISTRY_POLICY_SCOPE"], name)])}."
  }

  validation {
    condition     = contains(["AWS_NATIVE", "CLAIR"], lookup(var.account_settings, "BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE"))
    error_message = "account_settings.BASIC_SCAN_TYPE_VERSION is AWS_NATIVE or CLAIR."
  }

  validation {
    condition     = contains(["V1", "V2"], lookup(var.account_settings, "REGISTRY_POLICY_SCOPE", "V2"))
    error_message = "account_settings.REGISTRY_POLICY_SCOPE is V1 or V2."
  }
}
