################################################################################
# Alarms
################################################################################

locals {
  # {alarm: what is watched}. Lambda's and SQS's metrics have the resource as dimension, the function's own the environment.
  # `once`: a run writes it once, zero too; until the next run its alarm stays as it is.
  alarms = {
    errors = {
      description = "The lifecycle manager failed. Its log is /aws/lambda/${var.name}."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = var.name }
    }
    throttles = {
      description = "Lambda throttled the lifecycle manager: the account's concurrency is used up."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = var.name }
    }
    dead-letters = {
      description = "The lifecycle manager gave up on pages of repositories or events: see the queue ${var.name}-dead-letters."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${var.name}-dead-letters" }
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
      namespace   = "Orchestrator/Lifecycle", metric = "UpstreamSyncFailed", dimensions = { Environment = var.environment }, threshold = var.upstream_sync_failures
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for key, alarm in local.alarms : key => alarm if local.function }

  alarm_name          = "${var.name}-${each.key}"
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

# Silence is no success: a disabled rule or a missing permission shows in no error. A run writes the metric at its end. One
# that is new has none yet, and CloudWatch begins without data: only a function that ran and then fell silent changes the
# state. Hours, and not days, because CloudWatch waits for a few periods more than it is asked to look at.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.function && var.silence_days > 0 ? 1 : 0

  alarm_name                = "${var.name}-silent"
  alarm_description         = "The lifecycle manager finished no run for ${var.silence_days} days: see its log, /aws/lambda/${var.name}, and the rule ${var.name}-schedule."
  namespace                 = "Orchestrator/Lifecycle"
  metric_name               = "RunsFinished"
  dimensions                = { Environment = var.environment }
  statistic                 = "Sum"
  period                    = 3600
  evaluation_periods        = 24 * var.silence_days
  threshold                 = 1
  comparison_operator       = "LessThanThreshold"
  treat_missing_data        = "missing"
  alarm_actions             = local.alarm_actions
  insufficient_data_actions = local.alarm_actions
  tags                      = var.tags
}

resource "aws_sns_topic" "this" {
  count = local.topic ? 1 : 0

  name = "${var.name}-alarms"
  # A key of AWS's own would keep CloudWatch from publishing.
  kms_master_key_id = local.service_key
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  count = local.topic ? 1 : 0

  arn = aws_sns_topic.this[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[0].arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = local.topic ? toset(var.emails) : []

  topic_arn = aws_sns_topic.this[0].arn
  protocol  = "email"
  endpoint  = each.value
}
