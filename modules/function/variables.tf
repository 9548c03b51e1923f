variable "account_id" {
  description = "Account that the function runs in (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "name" {
  description = "Name of the function; its rules, queue and role begin with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,39}$", var.name))
    error_message = "name is \"${var.name}\". It has 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "component" {
  description = "The content of the package: `lifecycle-manager` runs `lifecycle_manager.handler.handle`. Policy and targets are called so."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)*$", var.component))
    error_message = "component is \"${var.component}\". It is words in lower case with hyphens between them, such as lifecycle-manager."
  }
}

variable "description" {
  description = "The function's work, in a sentence."
  type        = string
  default     = null
}

variable "role_description" {
  description = "The role's purpose, in a sentence."
  type        = string
  default     = null
}

variable "package" {
  description = "The function's zip, made by `orchestrator lambda package`."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.package, ".zip")
    error_message = "package is \"${var.package}\". It is the path of a zip, made by `orchestrator lambda package`."
  }
}

variable "settings" {
  description = "Settings of its runs. `architecture` is arm64 or x86_64; a package runs on both. Further there are `memory_mb`, `timeout_seconds`, `reserved_concurrency` (null reserves none), `log_retention_days`, `permissions_boundary_arn` of its role."
  type = object({
    architecture             = optional(string, "arm64")
    memory_mb                = optional(number, 256)
    timeout_seconds          = optional(number, 60)
    reserved_concurrency     = optional(number)
    log_retention_days       = optional(number, 14)
    permissions_boundary_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.settings.architecture)
    error_message = "architecture is \"${var.settings.architecture}\". Write arm64 or x86_64."
  }

  validation {
    condition     = var.settings.memory_mb >= 128 && var.settings.memory_mb <= 10240 && floor(var.settings.memory_mb) == var.settings.memory_mb
    error_message = "memory_mb is ${var.settings.memory_mb}. Lambda takes 128 to 10240."
  }

  validation {
    condition     = var.settings.timeout_seconds >= 1 && var.settings.timeout_seconds <= 900 && floor(var.settings.timeout_seconds) == var.settings.timeout_seconds
    error_message = "timeout_seconds is ${var.settings.timeout_seconds}. Lambda takes 1 to 900."
  }

  validation {
    condition     = var.settings.reserved_concurrency == null ? true : var.settings.reserved_concurrency >= 1 && floor(var.settings.reserved_concurrency) == var.settings.reserved_concurrency
    error_message = "reserved_concurrency is ${var.settings.reserved_concurrency == null ? "null" : var.settings.reserved_concurrency}. It is a whole number from 1 on, or null; with 0 Lambda would never call it."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.settings.log_retention_days)
    error_message = "log_retention_days is ${var.settings.log_retention_days}. CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition     = var.settings.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*?$[:space:]]+$", var.settings.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of an IAM policy."
  }
}

variable "variables" {
  description = "Environment variables, as far as they are known before anything is made: 3,700 characters of JSON at most."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "resource_variables" {
  description = "Environment variables that are addresses of resources, such as a queue's URL."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "statements" {
  description = "Rights of the function: statements of an IAM policy. One without resources is left out. Writing its log and dead letters and using `kms_key_arn` are added."
  type = list(object({
    Sid      = string
    Effect   = optional(string, "Allow")
    Action   = list(string)
    Resource = list(string)
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for statement in var.statements : can(regex("^[0-9A-Za-z]+$", statement.Sid)) && length(statement.Action) > 0])
    error_message = "statements have a Sid of letters and digits, and at least one action. Wrong: ${join(", ", [for statement in var.statements : statement.Sid if !(can(regex("^[0-9A-Za-z]+$", statement.Sid)) && length(statement.Action) > 0)])}."
  }
}

variable "events" {
  description = "Callers of the function, by the rule's name behind the function's. Each has a `schedule` (cron or rate, in UTC) or an event `pattern` (JSON)."
  type = map(object({
    description = optional(string)
    schedule    = optional(string)
    pattern     = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for event in values(var.events) : (event.schedule == null) != (event.pattern == null)])
    error_message = "events: a rule has a schedule or a pattern, not both and not neither. Wrong: ${join(", ", [for name, event in var.events : name if !((event.schedule == null) != (event.pattern == null))])}."
  }

  validation {
    condition     = alltrue([for name in keys(var.events) : can(regex("^[0-9a-z_-]{1,20}$", name))])
    error_message = "events: a name has 1 to 20 lower case letters, digits, hyphens and underscores. Wrong: ${join(", ", [for name in keys(var.events) : name if !can(regex("^[0-9a-z_-]{1,20}$", name))])}."
  }
}

variable "kms_key_arn" {
  description = "KMS key that the function may use and, with `kms_key_admits_services`, that of log and dead letters. Null encrypts the queue with a key of SQS's."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "kms_key_admits_services" {
  description = "The key's policy lets CloudWatch Logs and EventBridge use it. False leaves log and dead letters without that key."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.kms_key_admits_services || var.kms_key_arn != null
    error_message = "kms_key_admits_services is true, but there is no key. Name it in kms_key_arn, or leave kms_key_admits_services out."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
