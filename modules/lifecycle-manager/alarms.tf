################################################################################
# Alarms
################################################################################

locals {
  # {alarm: what is watched}. Lambda's and SQS's metrics have the resource as dimension, the function's own the environment.
  # `once`: a run writes it once, zero too; until the next run its alarm stays as it is.
  alarms = {
    errors = {
      description = "The lifecycle manager failed. Its log is /aws/lambda/${local.name}."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = local.name }
    }
    throttles = {
      description = "Lambda throttled the lifecycle manager: the account's concurrency is used up."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = local.name }
    }
    dead-letters = {
      description = "The lifecycle manager gave up on pages of repositories or events: see the queue ${local.name}-dead-letters."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${local.name}-dead-letters" }
    }
    repositories-failed = {
      description = "Some repositories could not be worked on; the log names them and why."
      namespace   = "Orchestrator/Lifecycle", metric = "RepositoriesFailed", dimensions = { Environment = var.environment }, once = true
    }
    guard = {
      description = "A run would have expired more than max_expire_fraction, and expired nothing there. See `orchestrator lifecycle preview ${var.environment}`."
      namespace   = "Orchestrator/Lifecycle", metric = "GuardTripped", dimensions = { Environment = var.environment }, once = true
    }
    snapshot = {
      description = "A cluster's snapshot is missing or stale: nothing is expired until its CronJob writes one again."
      namespace   = "Orchestrator/Lifecycle", metric = "SnapshotStale", dimensions = { Environment = var.environment }, once = true
    }
    upstream-sync = {
      description = "ECR could not refresh cached images from their upstream: credentials, rate limits or the upstream itself."
      namespace   = "Orchestrator/Lifecycle", metric = "UpstreamSyncFailed", dimensions = { Environment = var.environment }, threshold = var.settings.upstream_sync_failures
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for key, alarm in local.alarms : key => alarm if local.function }

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.key == "dead-letters" ? "Maximum" : "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = try(each.value.threshold, 0)
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = try(each.value.once, false) ? "ignore" : "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = var.tags
}

locals {
  # Between two runs; of a cron expression it is not known.
  schedule_rate = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.settings.schedule), null)
  schedule_days = local.schedule_rate == null ? 0 : tonumber(local.schedule_rate[0]) * { minute = 1, hour = 60, day = 1440 }[local.schedule_rate[1]] / 1440
}

# Silence is no success: a disabled rule or a missing permission shows in no error. A run writes the metric at its end. A
# new one has none yet, and CloudWatch begins without data. Only a function that fell silent changes the
# state. Hours, and not days, because CloudWatch waits for a few periods more than it is asked to look at.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.function && var.settings.silence_days > 0 ? 1 : 0

  alarm_name                = "${local.name}-silent"
  alarm_description         = "The lifecycle manager finished no run for ${var.settings.silence_days} days: see its log, /aws/lambda/${local.name}, and the rule ${local.name}-schedule."
  namespace                 = "Orchestrator/Lifecycle"
  metric_name               = "RunsFinished"
  dimensions                = { Environment = var.environment }
  statistic                 = "Sum"
  period                    = 3600
  evaluation_periods        = 24 * var.settings.silence_days
  threshold                 = 1
  comparison_operator       = "LessThanThreshold"
  treat_missing_data        = "missing"
  alarm_actions             = local.alarm_actions
  insufficient_data_actions = local.alarm_actions
  tags                      = var.tags

  lifecycle {
    precondition {
      condition     = local.schedule_days <= var.settings.silence_days
      error_message = "silence_days is ${var.settings.silence_days}, but \"${var.settings.schedule}\" runs more rarely: the alarm would fire although all is well. Write silence_days = ${local.schedule_days > 7 ? 0 : ceil(local.schedule_days)}${local.schedule_days > 7 ? ", for no such alarm," : ""} or run more often."
    }
  }
}

module "alarm_topic" {
  source = "../alarm-topic"
  count  = local.topic ? 1 : 0

  account_id  = var.account_id
  name        = "${local.name}-alarms"
  kms_key_arn = local.service_key
  emails      = var.settings.emails
  tags        = var.tags
}
