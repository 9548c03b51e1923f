variable "account_id" {
  description = "Account whose registry is kept small (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\". An AWS account id has 12 digits."
  }
}

variable "environment" {
  description = "Name of the environment: the dimension of every metric and a field of every log line."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$", var.environment))
    error_message = "environment is \"${var.environment}\". It has 1 to 100 letters, digits and characters of ._-."
  }
}

variable "create_function" {
  description = "Create the function with its schedule, events, queue, role, logs and alarms. False leaves what else is asked for: bucket and usage role."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_bucket" {
  description = "Create the bucket of snapshots, audit log and cache. Without it `bucket_name` names one that exists, or nothing uses one."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.create_bucket || !var.create_function || var.bucket_name != null
    error_message = "create_bucket is false, but the function needs a bucket for its audit log: name one in bucket_name."
  }
}

variable "name" {
  description = "Name of the function; queues, alarms, rules and roles begin with it."
  type        = string
  default     = "ecr-lifecycle-manager"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,39}$", var.name))
    error_message = "name is \"${var.name}\". It has 1 to 40 letters, digits, hyphens and underscores."
  }
}

################################################################################
# Function
################################################################################

variable "package" {
  description = "The function's zip, made by `orchestrator lambda package`."
  type        = string
  default     = "../build/lifecycle_manager.zip"
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

variable "memory_mb" {
  description = "Memory of the function in MB; its share of a processor grows with it."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb is ${var.memory_mb}. Lambda takes 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Time that one invocation has. It stops before its end, and another one continues."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 60 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds is ${var.timeout_seconds}. Write 60 to 900, Lambda's maximum; less than a minute cannot finish a page of repositories."
  }
}

variable "schedule" {
  description = "When it runs, as an EventBridge expression in UTC."
  type        = string
  default     = "cron(0 2 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(cron\\([^ ]+( [^ ]+){5}\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.schedule))
    error_message = "schedule is \"${var.schedule}\". Write it like cron(0 2 * * ? *), with six fields, or rate(1 day)."
  }
}

variable "max_concurrency" {
  description = "How many pages of repositories are worked on at once. ECR throttles an account, so that more is not always faster."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_concurrency >= 2 && var.max_concurrency <= 1000 && floor(var.max_concurrency) == var.max_concurrency
    error_message = "max_concurrency is ${var.max_concurrency}. SQS event sources take 2 to 1000."
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
  description = "Permissions boundary of the roles that this module creates."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of an IAM policy."
  }
}

################################################################################
# What it does
################################################################################

variable "dry_run" {
  description = "Only say what would be expired."
  type        = bool
  default     = false
  nullable    = false
}

variable "prefixes" {
  description = "Prefixes of the registry's pull-through cache rules (or ROOT): the function may delete images below them only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for prefix in var.prefixes : prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix))])
    error_message = "prefixes are ECR repository prefixes without a slash at the end, or ROOT; wildcards would let the function delete more than caches. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "routes" {
  description = "Where each prefix's images come from, `[{prefix, source}]`, for the audit log: how to get an image back."
  type = list(object({
    prefix = string
    source = string
  }))
  default  = []
  nullable = false
}

variable "retention" {
  description = "What stays: the default and, by repository pattern (`*` stands for any characters; the most specific that matches wins), what differs from it. In use and `protect` beat everything."
  type = object({
    expire_unpulled_days = optional(number, 30)
    keep_at_least        = optional(number, 1)
    keep_at_most         = optional(number)
    untagged_days        = optional(number)
    minimum_age_days     = optional(number)
    never                = optional(bool, false)
    expire_action        = optional(string, "delete")
    protect = optional(object({
      tags         = optional(list(string), [])
      repositories = optional(list(string), [])
    }))
    overrides = optional(list(object({
      pattern              = string
      expire_unpulled_days = optional(number)
      keep_at_least        = optional(number)
      keep_at_most         = optional(number)
      untagged_days        = optional(number)
      minimum_age_days     = optional(number)
      never                = optional(bool)
      expire_action        = optional(string)
      protect = optional(object({
        tags         = optional(list(string), [])
        repositories = optional(list(string), [])
      }))
    })), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for rule in concat([var.retention], var.retention.overrides) : contains(["delete", "archive"], coalesce(rule.expire_action, "delete"))])
    error_message = "retention: expire_action is delete or archive."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.retention], var.retention.overrides) : [
      for value in [rule.expire_unpulled_days, rule.keep_at_most, rule.untagged_days] : value == null ? true : value >= 1 && floor(value) == value
    ]]))
    error_message = "retention: expire_unpulled_days, keep_at_most and untagged_days are whole numbers from 1 on."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.retention], var.retention.overrides) : [
      for value in [rule.keep_at_least, rule.minimum_age_days] : value == null ? true : value >= 0 && floor(value) == value
    ]]))
    error_message = "retention: keep_at_least and minimum_age_days are whole numbers from 0 on."
  }

  validation {
    condition = alltrue([for rule in concat([var.retention], var.retention.overrides) :
      coalesce(rule.keep_at_most, 1000000) >= coalesce(rule.keep_at_least, var.retention.keep_at_least, 1)
    ])
    error_message = "retention: keep_at_most is less than keep_at_least. An image cannot be above the ceiling and below the floor."
  }

  validation {
    condition     = alltrue([for rule in var.retention.overrides : can(regex("^[a-z0-9*][a-z0-9._/*-]*$", rule.pattern))])
    error_message = "retention.overrides: a pattern is a repository name in which `*` stands for any characters, such as docker-hub/library/*. Wrong: ${join(", ", [for rule in var.retention.overrides : rule.pattern if !can(regex("^[a-z0-9*][a-z0-9._/*-]*$", rule.pattern))])}."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.retention], var.retention.overrides) : concat(
      [for pattern in try(rule.protect.tags, []) : can(regex("^[A-Za-z0-9._*-]+$", pattern))],
      [for pattern in try(rule.protect.repositories, []) : can(regex("^[a-z0-9._/*-]+$", pattern))],
    )]))
    error_message = "retention: protect has patterns of tags and of repositories, in which `*` stands for any characters; none of them names a registry."
  }

  validation {
    condition     = length(jsonencode(var.retention)) <= 2500
    error_message = "retention is too long: Lambda takes 4 KB of environment variables in all. Use fewer overrides, with wider patterns."
  }
}

variable "native_policy" {
  description = "Lifecycle policy of ECR's own for cached repositories without one: \"untagged\", \"count\" (also `keep_at_most`; ECR does not know what runs), or \"\" for none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "untagged", "count"], var.native_policy)
    error_message = "native_policy is \"${var.native_policy}\". Write \"untagged\", \"count\" or \"\"."
  }
}

variable "clusters" {
  description = "Clusters that use the registry. Each one's snapshot of what it runs must be there and fresh, or nothing is expired. Empty: pull times alone decide."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cluster in var.clusters : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])
    error_message = "clusters are names of 1 to 100 letters, digits, hyphens and underscores. Wrong: ${join(", ", [for cluster in var.clusters : cluster if !can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])}."
  }
}

variable "snapshot_max_age_hours" {
  description = "Age in hours from which on a snapshot is stale: nothing is expired, and an alarm fires."
  type        = number
  default     = 48
  nullable    = false

  validation {
    condition     = var.snapshot_max_age_hours >= 1 && var.snapshot_max_age_hours <= 720
    error_message = "snapshot_max_age_hours is ${var.snapshot_max_age_hours}. Write 1 to 720: what a cluster ran a month ago says nothing."
  }
}

variable "max_expire_fraction" {
  description = "What one run may expire at most, as a fraction of a repository's and of the account's cached images. More deletes nothing there and raises an alarm."
  type = object({
    repository = optional(number, 0.5)
    account    = optional(number, 0.25)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for fraction in [var.max_expire_fraction.repository, var.max_expire_fraction.account] : fraction > 0 && fraction <= 1])
    error_message = "max_expire_fraction: repository and account are fractions above 0, up to 1."
  }
}

variable "inspector" {
  description = "Ask Amazon Inspector too which images are in use: for registries with ENHANCED scanning."
  type        = bool
  default     = false
  nullable    = false
}

################################################################################
# Bucket
################################################################################

variable "bucket_name" {
  description = "Bucket of snapshots, audit log and cache. Null names it ecr-lifecycle-<account>-<region>."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name has 3 to 63 lower case letters, digits, dots and hyphens."
  }
}

variable "kms_key_arn" {
  description = "KMS key of bucket, queues and log. Null encrypts bucket and queues with keys of S3 and SQS."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key, not of an alias."
  }
}

variable "audit_retention_days" {
  description = "Days that the audit log and older versions of snapshots are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 30 && floor(var.audit_retention_days) == var.audit_retention_days
    error_message = "audit_retention_days is ${var.audit_retention_days}. Keep it 30 days or more: what was deleted is restored from it."
  }
}

variable "force_destroy" {
  description = "Delete the bucket with all that it holds when it is destroyed."
  type        = bool
  default     = false
  nullable    = false
}

################################################################################
# Alarms
################################################################################

variable "create_topic" {
  description = "Create an SNS topic for the alarms."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = !(var.create_topic && var.topic_arn != null)
    error_message = "create_topic is true and topic_arn names a topic. Choose one."
  }
}

variable "topic_arn" {
  description = "SNS topic that exists, for the alarms; its policy lets CloudWatch publish."
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
    condition     = length(var.emails) == 0 || var.create_topic
    error_message = "emails are subscribed to the topic that create_topic makes. Subscribe them to topic_arn where that topic is managed."
  }
}

################################################################################
# Who writes snapshots
################################################################################

variable "usage_role" {
  description = "Role with which a CronJob of `cluster` writes its snapshot: IRSA (`oidc_provider_arn`) or EKS Pod Identity (`pod_identity`). Null makes none."
  type = object({
    cluster           = string
    name              = optional(string)
    namespace         = optional(string, "ecr-usage")
    service_account   = optional(string, "ecr-usage")
    oidc_provider_arn = optional(string)
    audience          = optional(string, "sts.amazonaws.com")
    pod_identity      = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.usage_role == null || (try(var.usage_role.oidc_provider_arn, null) != null) != try(var.usage_role.pod_identity, false)
    error_message = "usage_role is assumed in one way: give oidc_provider_arn (IRSA), or pod_identity = true, not both and not neither."
  }

  validation {
    condition     = try(var.usage_role.oidc_provider_arn, null) == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?]", var.usage_role.oidc_provider_arn))
    error_message = "usage_role.oidc_provider_arn has the form arn:aws:iam::<account>:oidc-provider/<issuer without https://>."
  }

  validation {
    condition     = var.usage_role == null || alltrue([for name in try([var.usage_role.namespace, var.usage_role.service_account], []) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "usage_role: namespace and service_account are names of Kubernetes, without wildcards."
  }

  validation {
    condition     = var.usage_role == null || can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.usage_role.cluster))
    error_message = "usage_role.cluster is the name of the cluster: 1 to 100 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = var.usage_role == null || can(regex("^[0-9A-Za-z_+=,.@-]{1,64}$", coalesce(try(var.usage_role.name, null), "ecr-usage")))
    error_message = "usage_role.name is the name of an IAM role: 1 to 64 letters, digits and characters of _+=,.@-."
  }
}

variable "snapshot_writers" {
  description = "Roles of other accounts that write snapshots: `{cluster = role ARN}`. Each writes its own cluster's only."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for cluster, arn in var.snapshot_writers : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn)) && can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])
    error_message = "snapshot_writers are ARNs of IAM roles by name of the cluster. Wrong: ${join(", ", [for cluster, arn in var.snapshot_writers : cluster if !(can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn)) && can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster)))])}."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
