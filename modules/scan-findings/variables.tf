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

variable "create_topic" {
  description = "Create an SNS topic for messages and alarms. Null does where `settings.topic_arn` names none; say it where that ARN is known only after apply."
  type        = bool
  default     = null

  validation {
    condition     = var.create_topic == null ? true : !(var.create_topic && var.settings.topic_arn != null)
    error_message = "create_topic is true and topic_arn names a topic. Choose one."
  }

  validation {
    condition     = var.create_topic == null ? true : var.create_topic || var.settings.topic_arn != null || !var.create_function
    error_message = "create_topic is false and topic_arn names none: findings would be told to nobody. Name a topic in topic_arn, or let create_topic make one."
  }

  validation {
    condition     = length(var.settings.emails) == 0 || coalesce(var.create_topic, var.settings.topic_arn == null)
    error_message = "settings.emails are subscribed to the topic that this module makes. Subscribe them to topic_arn where that topic is managed."
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

variable "settings" {
  description = "Settings of the function and of its reports: the environment's `scan_findings`. The README has a line for each."
  type = object({
    name                     = optional(string, "ecr-scan-findings")
    severity                 = optional(string, "HIGH")
    architecture             = optional(string, "arm64")
    reserved_concurrency     = optional(number)
    log_retention_days       = optional(number, 14)
    permissions_boundary_arn = optional(string)
    topic_arn                = optional(string)
    emails                   = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"], var.settings.severity)
    error_message = "severity is \"${var.settings.severity}\". Write CRITICAL, HIGH, MEDIUM, LOW or INFORMATIONAL."
  }

  validation {
    condition     = var.settings.topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[^*?$[:space:]]+$", var.settings.topic_arn))
    error_message = "topic_arn is the ARN of an SNS topic."
  }
}

variable "scan_type" {
  description = "Scan type of the registry: with BASIC the function starts a scan of each newly cached image. With ENHANCED Amazon Inspector does by itself."
  type        = string
  default     = "BASIC"
  nullable    = false

  validation {
    condition     = contains(["BASIC", "ENHANCED"], var.scan_type)
    error_message = "scan_type is \"${var.scan_type}\". Write BASIC or ENHANCED."
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
  description = "Sources of the images by prefix, `[{prefix, source}]`: messages name the upstream reference too."
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
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.kms_key_arn))
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

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
