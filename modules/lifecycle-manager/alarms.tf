################################################################################
# Alarms
################################################################################

locals {
  # {alarm: what is watched}. Lambda's and SQS's metrics have the resource as dimension, the function's own the environment.
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
      namespace   = "Orchestrator/Lifecycle", metric = "RepositoriesFailed", dimensions = { Environment = var.environment }
    }
    guard = {
      description = "A run would have expired more than max_expire_fraction, and expired nothing there. See `orchestrator lifecycle preview ${var.environment}`."
      namespace   = "Orchestrator/Lifecycle", metric = "GuardTripped", dimensions = { Environment = var.environment }
    }
    snapshot = {
      description = "A cluster's snapshot is missing or stale: nothing is expired until its CronJob writes one again."
      namespace   = "Orchestrator/Lifecycle", metric = "SnapshotStale", dimensions = { Environment = var.environment }
    }
    upstream-sync = {
      description = "ECR could not refresh cached images from their upstream: credentials, rate limits or the upstream itself."
      namespace   = "Orchestrator/Lifecycle", metric = "UpstreamSyncFailed", dimensions = { Environment = var.environment }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.function ? local.alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.key == "dead-letters" ? "Maximum" : "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

# Silence is no success: a disabled rule or a missing permission shows in no error.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.function ? 1 : 0

  alarm_name          = "${var.name}-silent"
  alarm_description   = "The lifecycle manager did not run for two days."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = 86400
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_sns_topic" "this" {
  count = local.topic ? 1 : 0

  name = "${var.name}-alarms"
  # A key of AWS's own would keep CloudWatch from publishing; a key of yours must let cloudwatch.amazonaws.com use it.
  kms_master_key_id = var.kms_key_arn
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
