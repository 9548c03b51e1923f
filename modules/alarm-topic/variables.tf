variable "account_id" {
  description = "Account whose alarms may publish (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "name" {
  description = "Name of the topic."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z_-]{1,256}$", var.name))
    error_message = "name is \"${var.name}\". It has 1 to 256 letters, digits, hyphens and underscores."
  }
}

variable "alarm_arn_pattern" {
  description = "Only alarms of this ARN, in which `*` stands for any characters, may publish. Null lets every alarm of the account."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_arn_pattern == null || can(regex("^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:", var.alarm_arn_pattern))
    error_message = "alarm_arn_pattern is \"${coalesce(var.alarm_arn_pattern, "null")}\". It is the ARN of an alarm: arn:aws:cloudwatch:<region>:<account>:alarm:<name>."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the topic, whose policy lets CloudWatch use it: otherwise alarms tell nobody, and nothing says so. Null uses none."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "emails" {
  description = "Addresses that are subscribed; each has to confirm."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "emails are addresses such as platform@example.com. Wrong: ${join(", ", [for address in var.emails : address if !can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])}."
  }
}

variable "tags" {
  description = "Tags for the topic."
  type        = map(string)
  default     = {}
  nullable    = false
}
