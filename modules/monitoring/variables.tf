variable "environment" {
  description = "Name of the environment: the dimension of the lifecycle manager's metrics."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$", var.environment))
    error_message = "environment is \"${var.environment}\". It has 1 to 100 letters, digits and characters of ._-."
  }
}

variable "create" {
  description = "Create dashboard and alarms. False makes nothing."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_topic" {
  description = "Create an SNS topic for the alarms. Null does where `settings.topic_arn` names none. Say it where that ARN is known only after apply, or for alarms that tell nobody."
  type        = bool
  default     = null

  validation {
    condition     = var.create_topic == null ? true : !(var.create_topic && var.settings.topic_arn != null)
    error_message = "create_topic is true and topic_arn names a topic. Choose one."
  }

  validation {
    condition     = length(var.settings.emails) == 0 || coalesce(var.create_topic, var.settings.topic_arn == null)
    error_message = "settings.emails are subscribed to the topic that this module makes. Subscribe them to topic_arn where that topic is managed."
  }
}

variable "settings" {
  description = "The widgets and alarms: the environment's `monitoring`. The README has a line for each."
  type = object({
    name              = optional(string)
    storage_alarm_gib = optional(number)
    pulls_alarm       = optional(number)
    topic_arn         = optional(string)
    emails            = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.settings.name == null || can(regex("^[0-9A-Za-z_-]{1,200}$", var.settings.name))
    error_message = "name has 1 to 200 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = var.settings.storage_alarm_gib == null ? true : var.settings.storage_alarm_gib > 0
    error_message = "storage_alarm_gib is more than 0, or null."
  }

  validation {
    condition     = var.settings.pulls_alarm == null ? true : var.settings.pulls_alarm > 0
    error_message = "pulls_alarm is more than 0, or null."
  }

  validation {
    condition     = var.settings.topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[^*?$[:space:]]+$", var.settings.topic_arn))
    error_message = "topic_arn is the ARN of an SNS topic."
  }
}

variable "prefixes" {
  description = "Prefixes of the registry's pull-through cache rules and mirrors: each has a graph of its pulls."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "prefixes are ECR repository prefixes without a slash at the end, or ROOT. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "repositories" {
  description = "Own repositories whose pulls have a graph."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for repository in var.repositories : can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", repository))])
    error_message = "repositories are names of ECR repositories. Wrong: ${join(", ", [for repository in var.repositories : repository if !can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", repository))])}."
  }
}

variable "function_names" {
  description = "Lambda functions whose duration, errors and throttles are shown."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.function_names : can(regex("^[0-9A-Za-z_-]{1,64}$", name))])
    error_message = "function_names are names of Lambda functions, not ARNs. Wrong: ${join(", ", [for name in var.function_names : name if !can(regex("^[0-9A-Za-z_-]{1,64}$", name))])}."
  }
}

variable "tags" {
  description = "Tags for alarms and topic; dashboards have none."
  type        = map(string)
  default     = {}
  nullable    = false
}
