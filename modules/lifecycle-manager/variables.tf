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

variable "create_topic" {
  description = "Create an SNS topic for the alarms. Null does where `settings.topic_arn` names none; say it where that ARN is known only after apply."
  type        = bool
  default     = null

  validation {
    condition     = var.create_topic == null ? true : !(var.create_topic && var.settings.topic_arn != null)
    error_message = "create_topic is true and topic_arn names a topic. Choose one."
  }

  validation {
    condition     = var.create_topic == null ? true : var.create_topic || var.settings.topic_arn != null || !var.create_function
    error_message = "create_topic is false and topic_arn names none: the alarms would tell nobody. Name a topic in topic_arn, or let create_topic make one."
  }

  validation {
    condition     = length(var.settings.emails) == 0 || coalesce(var.create_topic, var.settings.topic_arn == null)
    error_message = "settings.emails are subscribed to the topic that this module makes. Subscribe them to topic_arn where that topic is managed."
  }
}

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

variable "bucket_name" {
  description = "Bucket of snapshots, audit log and cache. Null names it ecr-lifecycle-<account>-<region>."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name is \"${coalesce(var.bucket_name, "-")}\". S3 takes 3 to 63 lower case letters, digits, dots and hyphens, with a letter or digit first and last."
  }

  validation {
    condition     = !can(regex("\\.\\.|^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$|^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.bucket_name))
    error_message = "bucket_name is \"${coalesce(var.bucket_name, "-")}\". S3 takes no two dots in a row and no form of an IP address, no name that begins with xn--, sthree- or amzn-s3-demo-, and none that ends with \"-s3alias\", \"--ol-s3\", \".mrap\", \"--x-s3\" or \"--table-s3\". Choose another."
  }
}

################################################################################
# What it does
################################################################################

variable "settings" {
  description = "Settings of the function, of its judgement and of its records: the environment's `lifecycle_manager`. The README has a line for each."
  type = object({
    name                           = optional(string, "ecr-lifecycle-manager")
    schedule                       = optional(string, "cron(0 2 * * ? *)")
    architecture                   = optional(string, "arm64")
    memory_mb                      = optional(number, 512)
    timeout_seconds                = optional(number, 900)
    max_concurrency                = optional(number, 5)
    reserved_concurrency           = optional(number)
    log_retention_days             = optional(number, 14)
    permissions_boundary_arn       = optional(string)
    native_policy                  = optional(string, "")
    clusters                       = optional(list(string), [])
    cache_only                     = optional(list(string), [])
    snapshot_max_age_hours         = optional(number, 48)
    max_expire_fraction_repository = optional(number, 0.5)
    max_expire_fraction_account    = optional(number, 0.25)
    keep_records                   = optional(bool, false)
    force_destroy_records          = optional(bool, false)
    kms_key_arn                    = optional(string)
    kms_key_admits_services        = optional(bool, false)
    audit_retention_days           = optional(number, 365)
    topic_arn                      = optional(string)
    emails                         = optional(list(string), [])
    silence_days                   = optional(number, 2)
    upstream_sync_failures         = optional(number, 0)
    snapshot_writers               = optional(map(string), {})
    retention = optional(object({
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
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.settings.timeout_seconds >= 60 && var.settings.timeout_seconds <= 900 && floor(var.settings.timeout_seconds) == var.settings.timeout_seconds
    error_message = "timeout_seconds is ${var.settings.timeout_seconds}. Write 60 to 900, Lambda's maximum; less than a minute cannot finish a page of repositories."
  }

  validation {
    condition     = can(regex("^(cron\\([^ ]+( [^ ]+){5}\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.settings.schedule))
    error_message = "schedule is \"${var.settings.schedule}\". Write it like cron(0 2 * * ? *), with six fields, or rate(1 day)."
  }

  validation {
    condition     = !startswith(var.settings.schedule, "rate(") || endswith(var.settings.schedule, "s)") != startswith(var.settings.schedule, "rate(1 ")
    error_message = "schedule is \"${var.settings.schedule}\". EventBridge takes the unit of 1 in the singular only, and of more in the plural: rate(1 day), rate(2 days)."
  }

  validation {
    condition     = !can(regex("^cron\\([^ ]+( [^ ]+){5}\\)$", var.settings.schedule)) || can(regex("^cron\\([^ ]+ [^ ]+ (\\? [^ ]+ [^ ?]+|[^ ?]+ [^ ]+ \\?) [^ ]+\\)$", var.settings.schedule))
    error_message = "schedule is \"${var.settings.schedule}\". The third field is the day of the month, the fifth the day of the week. Exactly one of the two is \"?\", such as cron(0 2 * * ? *) or cron(0 2 ? * SUN *)."
  }

  validation {
    condition     = !can(regex("^cron\\([^ ]+( [^ ]+){5}\\)$", var.settings.schedule)) || can(regex("^cron\\(${join(" ", local.schedule_forms)}\\)$", var.settings.schedule))
    error_message = "schedule is \"${var.settings.schedule}\". Its fields are minutes 0-59, hours 0-23, day of the month 1-31, month 1-12 or JAN-DEC, day of the week 1-7 or SUN-SAT and year 1970-2199. They may use , - * / and, for days, ? L W #. Wrong: ${join(", ", [for index, field in split(" ", trimsuffix(trimprefix(var.settings.schedule, "cron("), ")")) : field if !can(regex("^${local.schedule_forms[index % 6]}$", field))])}."
  }

  validation {
    condition     = var.settings.max_concurrency >= 2 && var.settings.max_concurrency <= 1000 && floor(var.settings.max_concurrency) == var.settings.max_concurrency
    error_message = "max_concurrency is ${var.settings.max_concurrency}. SQS event sources take 2 to 1000."
  }

  validation {
    # A run waits while its pages are worked on: it takes one more than they do.
    condition     = var.settings.reserved_concurrency == null || (floor(coalesce(var.settings.reserved_concurrency, 0)) == coalesce(var.settings.reserved_concurrency, 0) && coalesce(var.settings.reserved_concurrency, 0) > var.settings.max_concurrency)
    error_message = "reserved_concurrency is ${coalesce(var.settings.reserved_concurrency, 0)}. Write a whole number above max_concurrency (${var.settings.max_concurrency}): with less, Lambda refuses pages until they are given up."
  }

  validation {
    condition     = alltrue([for rule in concat([var.settings.retention], var.settings.retention.overrides) : contains(["delete", "archive"], coalesce(rule.expire_action, "delete"))])
    error_message = "retention: expire_action is delete or archive."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.settings.retention], var.settings.retention.overrides) : [
      for value in [rule.expire_unpulled_days, rule.keep_at_most, rule.untagged_days] : value == null ? true : value >= 1 && floor(value) == value
    ]]))
    error_message = "retention: expire_unpulled_days, keep_at_most and untagged_days are whole numbers from 1 on."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.settings.retention], var.settings.retention.overrides) : [
      for value in [rule.keep_at_least, rule.minimum_age_days] : value == null ? true : value >= 0 && floor(value) == value
    ]]))
    error_message = "retention: keep_at_least and minimum_age_days are whole numbers from 0 on."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.settings.retention], var.settings.retention.overrides) : [
      for value in [rule.expire_unpulled_days, rule.untagged_days, rule.minimum_age_days] : value == null ? true : value <= 36500
    ]]))
    error_message = "retention: expire_unpulled_days, untagged_days and minimum_age_days are at most 36500, a hundred years. To keep images for ever write never = true."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.settings.retention], var.settings.retention.overrides) : [
      for value in [rule.keep_at_least, rule.keep_at_most] : value == null ? true : value <= 100000
    ]]))
    error_message = "retention: keep_at_least and keep_at_most are at most 100000, more images than a repository of ECR holds. To keep all of them write never = true."
  }

  validation {
    # An override has what it does not set from the default, whose floor is 1 unless said.
    condition = alltrue([
      for rule in concat([var.settings.retention], var.settings.retention.overrides) :
      coalesce(rule.keep_at_most, var.settings.retention.keep_at_most, 1000000) >= coalesce(rule.keep_at_least, var.settings.retention.keep_at_least, 1)
    ])
    error_message = "retention: keep_at_most is less than keep_at_least; an image cannot be above the ceiling and below the floor. An override that sets only one of them has the other from the default. Wrong: ${join(", ", [
      for rule in concat([merge(var.settings.retention, { pattern = "the default" })], var.settings.retention.overrides) : rule.pattern
      if coalesce(rule.keep_at_most, var.settings.retention.keep_at_most, 1000000) < coalesce(rule.keep_at_least, var.settings.retention.keep_at_least, 1)
    ])}."
  }

  validation {
    condition     = length(distinct(var.settings.retention.overrides[*].pattern)) == length(var.settings.retention.overrides)
    error_message = "retention.overrides: one pattern is there twice, so that it is not said which holds: ${join(", ", distinct([for pattern in var.settings.retention.overrides[*].pattern : pattern if length([for other in var.settings.retention.overrides[*].pattern : other if other == pattern]) > 1]))}. Write one override a pattern."
  }

  validation {
    condition     = alltrue([for rule in var.settings.retention.overrides : can(regex("^[a-z0-9*][a-z0-9._/*-]*$", rule.pattern))])
    error_message = "retention.overrides: a pattern is a repository name in which `*` stands for any characters, such as docker-hub/library/*. Wrong: ${join(", ", [for rule in var.settings.retention.overrides : rule.pattern if !can(regex("^[a-z0-9*][a-z0-9._/*-]*$", rule.pattern))])}."
  }

  validation {
    condition = alltrue(flatten([for rule in concat([var.settings.retention], var.settings.retention.overrides) : concat(
      [for pattern in try(rule.protect.tags, []) : can(regex("^[A-Za-z0-9._*-]+$", pattern))],
      [for pattern in try(rule.protect.repositories, []) : can(regex("^[a-z0-9._/*-]+$", pattern))],
    )]))
    error_message = "retention: protect has patterns of tags and of repositories, in which `*` stands for any characters. None of them names a registry."
  }

  validation {
    condition     = length(jsonencode(var.settings.retention)) <= 2500
    error_message = "retention is too long: Lambda takes 4 KB of environment variables in all. Use fewer overrides, with wider patterns."
  }

  validation {
    condition     = contains(["", "untagged", "count"], var.settings.native_policy)
    error_message = "native_policy is \"${var.settings.native_policy}\". Write \"untagged\", \"count\" or \"\"."
  }

  validation {
    condition     = alltrue([for prefix in var.settings.cache_only : contains(var.prefixes, prefix)])
    error_message = "cache_only names prefixes of rules. There is no rule for: ${join(", ", [for prefix in var.settings.cache_only : prefix if !contains(var.prefixes, prefix)])}."
  }

  validation {
    condition     = alltrue([for cluster in var.settings.clusters : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])
    error_message = "clusters are names of 1 to 100 letters, digits, hyphens and underscores. Wrong: ${join(", ", [for cluster in var.settings.clusters : cluster if !can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])}."
  }

  validation {
    condition     = var.settings.snapshot_max_age_hours >= 1 && var.settings.snapshot_max_age_hours <= 720
    error_message = "snapshot_max_age_hours is ${var.settings.snapshot_max_age_hours}. Write 1 to 720: what a cluster ran a month ago says nothing."
  }

  validation {
    condition     = alltrue([for fraction in [var.settings.max_expire_fraction_repository, var.settings.max_expire_fraction_account] : fraction > 0 && fraction <= 1])
    error_message = "max_expire_fraction_repository and max_expire_fraction_account are fractions above 0, up to 1."
  }

  validation {
    condition     = var.settings.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?$[:space:]]+$", var.settings.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key, not of an alias."
  }

  validation {
    condition     = !var.settings.kms_key_admits_services || var.settings.kms_key_arn != null
    error_message = "kms_key_admits_services is true, but there is no key. Name it in kms_key_arn, or leave kms_key_admits_services out."
  }

  validation {
    condition     = var.settings.audit_retention_days >= 30 && floor(var.settings.audit_retention_days) == var.settings.audit_retention_days
    error_message = "audit_retention_days is ${var.settings.audit_retention_days}. Keep it 30 days or more: what was deleted is restored from it."
  }

  validation {
    condition     = var.settings.topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[^*?$[:space:]]+$", var.settings.topic_arn))
    error_message = "topic_arn is the ARN of an SNS topic."
  }

  validation {
    condition     = var.settings.silence_days >= 0 && var.settings.silence_days <= 7 && floor(var.settings.silence_days) == var.settings.silence_days
    error_message = "silence_days is ${var.settings.silence_days}. Write 1 to 7, as far as an alarm of CloudWatch looks back, or 0 for no such alarm."
  }

  validation {
    condition     = var.settings.upstream_sync_failures >= 0 && floor(var.settings.upstream_sync_failures) == var.settings.upstream_sync_failures
    error_message = "upstream_sync_failures is ${var.settings.upstream_sync_failures}. Write a whole number from 0 on."
  }

  validation {
    condition     = alltrue([for cluster, arn in var.settings.snapshot_writers : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?$[:space:]]+$", arn)) && can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster))])
    error_message = "snapshot_writers are ARNs of IAM roles by name of the cluster. Wrong: ${join(", ", [for cluster, arn in var.settings.snapshot_writers : cluster if !(can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?$[:space:]]+$", arn)) && can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", cluster)))])}."
  }

  validation {
    condition     = !(var.settings.keep_records && var.settings.force_destroy_records)
    error_message = "keep_records and force_destroy_records are both true. One keeps the bucket, the other deletes it with all that it holds: choose one."
  }
}

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
    error_message = "prefixes are ECR repository prefixes without a slash at the end, or ROOT. Wildcards would let the function delete more than caches. Wrong: ${join(", ", [for prefix in var.prefixes : prefix if !(prefix == "ROOT" || can(regex("^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", prefix)))])}."
  }
}

variable "routes" {
  description = "Sources of the images by prefix, `[{prefix, source}]`, for the audit log: how to get an image back."
  type = list(object({
    prefix = string
    source = string
  }))
  default  = []
  nullable = false
}

variable "own_repositories" {
  description = "Repositories below the prefixes that are no cache: those that this configuration makes. Nothing in them is expired."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "inspector" {
  description = "Ask Amazon Inspector too which images are in use: for registries with ENHANCED scanning."
  type        = bool
  default     = false
  nullable    = false
}

################################################################################
# Who writes snapshots
################################################################################

variable "usage_role" {
  description = "Role with which a CronJob of `cluster` writes its snapshot, `snapshots/<snapshot_name>.json` (the cluster's name unless said). It has it by IRSA (`oidc_provider_arn`) or EKS Pod Identity (`pod_identity`). Null makes none."
  type = object({
    cluster           = string
    snapshot_name     = optional(string)
    role_name         = optional(string)
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
    condition     = try(var.usage_role.oidc_provider_arn, null) == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^/*?$[:space:]][^*?$[:space:]]*$", var.usage_role.oidc_provider_arn))
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
    condition     = try(var.usage_role.snapshot_name, null) == null || can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.usage_role.snapshot_name))
    error_message = "usage_role.snapshot_name is \"${coalesce(try(var.usage_role.snapshot_name, null), "-")}\". It is a name as clusters have: 1 to 100 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = var.usage_role == null || can(regex("^[0-9A-Za-z_+=,.@-]{1,64}$", coalesce(try(var.usage_role.role_name, null), "ecr-usage")))
    error_message = "usage_role.role_name is the name of an IAM role: 1 to 64 letters, digits and characters of _+=,.@-."
  }
}

variable "tags" {
  description = "Tags for every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}

################################################################################
# What the checks above compare with
################################################################################

locals {
  # EventBridge's six fields (user guide, "Cron expressions reference"): lists of values, ranges or all, in steps or not.
  schedule_values = [
    "([0-5]?[0-9])",
    "([01]?[0-9]|2[0-3])",
    "(0?[1-9]|[12][0-9]|3[01])",
    "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)",
    "([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)",
    "(19[7-9][0-9]|2[01][0-9][0-9])",
  ]
  schedule_others = ["", "", "|\\?|L|LW|L-([1-9]|[12][0-9]|30)|VALUEW", "", "|\\?|L|VALUEL|VALUE#[1-5]", ""]
  schedule_forms = [
    for index, value in local.schedule_values : replace(
      "(?i:(\\*|VALUE(-VALUE)?)(/[1-9][0-9]*)?(,(\\*|VALUE(-VALUE)?)(/[1-9][0-9]*)?)*${local.schedule_others[index]})", "VALUE", value,
    )
  ]
}
