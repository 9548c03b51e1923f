variable "account_id" {
  description = "Account of the registry whose images are scanned (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "environment" {
  description = "Name of the environment, for messages and log lines."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$", var.environment))
    error_message = "environment is \"${var.environment}\". It has 1 to 100 letters, digits and characters of ._-."
  }
}

variable "create_function" {
  description = "Create the function with its events, role, logs and topic. False makes nothing."
  type        = bool
  default     = true
  nullable    = false
}

variable "name" {
  description = "Name of the function; its rules, role and topic begin with it."
  type        = string
  default     = "ecr-scan-findings"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,39}$", var.name))
    error_message = "name is \"${var.name}\". It has 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "package" {
  description = "The function's zip, made by `orchestrator lambda package`."
  type        = string
  default     = "../build/scan_findings.zip"
  nullable    = false

  validation {
    condition     = endswith(var.package, ".zip")
    error_message = "package is \"${var.package}\". It is the path of a zip, made by `orchestrator lambda package`."
  }
}

variable "architecture" {
  description = "Processor of the function: arm64 or x86_64. The package runs on both."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"${var.architecture}\". Write arm64 or x86_64."
  }
}

variable "reserved_concurrency" {
  description = "How many invocations run at once, taken out of the account's concurrency. Null reserves none."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency is ${var.reserved_concurrency == null ? "null" : var.reserved_concurrency}. It is a whole number from 1 on, or null; with 0 Lambda would never call it."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the function's log."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}. CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the function's role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of an IAM policy."
  }
}

variable "scan_type" {
  description = "How the registry scans: with BASIC the function starts a scan of each newly cached image; with ENHANCED Amazon Inspector does by itself."
  type        = string
  default     = "BASIC"
  nullable    = false

  validation {
    condition     = contains(["BASIC", "ENHANCED"], var.scan_type)
    error_message = "scan_type is \"${var.scan_type}\". Write BASIC or ENHANCED."
  }
}

variable "severity" {
  description = "The least severity that is worth a message: CRITICAL, HIGH, MEDIUM, LOW or INFORMATIONAL."
  type        = string
  default     = "HIGH"
  nullable    = false

  validation {
    condition     = contains(["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"], var.severity)
    error_message = "severity is \"${var.severity}\". Write CRITICAL, HIGH, MEDIUM, LOW or INFORMATIONAL."
  }
}

variable "prefixes" {
  description = "Prefixes of the registry's pull-through cache rules (or ROOT): below them scans are started and indexes read."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "prefixes are ECR repository prefixes without a slash at the end, or ROOT. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "routes" {
  description = "Where each prefix's images come from, `[{prefix, source}]`: messages name the upstream reference too."
  type = list(object({
    prefix = string
    source = string
  }))
  default  = []
  nullable = false
}

variable "bucket_name" {
  description = "Bucket of the clusters' snapshots, in which it also remembers what it reported: that of lifecycle-manager."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name has 3 to 63 lower case letters, digits, dots and hyphens."
  }
}

variable "clusters" {
  description = "Clusters whose snapshots say whether an image is in use."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cluster in var.clusters : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])
    error_message = "clusters are names of 1 to 100 letters, digits, hyphens and underscores. Wrong: ${join(", ", [for cluster in var.clusters : cluster if !can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])}."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the bucket, and with `kms_key_admits_services` of topic, dead letters and log too."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "kms_key_admits_services" {
  description = "The policy of `kms_key_arn` lets CloudWatch, EventBridge and CloudWatch Logs use it. False leaves topic, dead letters and log without that key."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.kms_key_admits_services || var.kms_key_arn != null
    error_message = "kms_key_admits_services is true and there is no key. Set kms_key_arn."
  }
}

variable "topic_arn" {
  description = "SNS topic that exists, for the messages. Null makes one."
  type        = string
  default     = null

  validation {
    condition     = var.topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:", var.topic_arn))
    error_message = "topic_arn is the ARN of an SNS topic."
  }
}

variable "emails" {
  description = "Addresses that are subscribed to the created topic; each has to confirm."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "emails are addresses such as platform@example.com. Wrong: ${join(", ", [for address in var.emails : address if !can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])}."
  }

  validation {
    condition     = length(var.emails) == 0 || var.topic_arn == null
    error_message = "emails are subscribed to the topic that this module makes. Subscribe them to topic_arn where that topic is managed."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
