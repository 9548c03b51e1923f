data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  region = data.aws_region.current.name
  name   = coalesce(var.settings.name, "ecr-${replace(var.environment, ".", "-")}")

  create_topic = var.create && coalesce(var.create_topic, var.settings.topic_arn == null) && local.alarms != {}
  topic_arn    = local.create_topic ? one(module.alarm_topic[*].arn) : var.settings.topic_arn

  lifecycle = "Orchestrator/Lifecycle"
  day       = 86400

  # One graph a prefix: its repositories that were pulled most. SEARCH compares words, of which a prefix is some, and
  # finds 500 series: SORT knows no others.
  pulls = [
    for prefix in sort(distinct(var.prefixes)) : {
      title = prefix == "ROOT" ? "Pulls below no prefix (ROOT), of 500 repositories at most" : "Pulls below ${prefix}/, of 500 repositories at most"
      metrics = [[{
        id         = "pulls"
        expression = "SORT(SEARCH('{AWS/ECR,RepositoryName} MetricName=\"RepositoryPullCount\"${prefix == "ROOT" ? "" : " RepositoryName=${prefix}"}', 'Sum', ${local.day}), SUM, DESC, 20)"
        label      = ""
      }]]
    }
  ]
  own_pulls = length(var.repositories) == 0 ? [] : [{
    title   = "Pulls of own images"
    metrics = [for repository in sort(distinct(var.repositories)) : ["AWS/ECR", "RepositoryPullCount", "RepositoryName", repository]]
  }]

  functions = [for metric in ["Duration", "Errors", "Throttles"] : {
    title   = "Functions: ${lower(metric)}"
    stat    = metric == "Duration" ? "Maximum" : "Sum"
    period  = 300
    metrics = [for name in sort(distinct(var.function_names)) : ["AWS/Lambda", metric, "FunctionName", name]]
  } if length(var.function_names) > 0]

  graphs = concat(
    local.pulls,
    local.own_pulls,
    [
      {
        title   = "Storage of cached images (bytes)"
        stat    = "Maximum"
        metrics = [[local.lifecycle, "CachedBytes", "Environment", var.environment]]
      },
      {
        title = "Growth of the cache (a day)"
        stat  = "Maximum"
        metrics = [
          [local.lifecycle, "CachedBytes", "Environment", var.environment, { id = "bytes", visible = false }],
          [local.lifecycle, "CachedImages", "Environment", var.environment, { id = "images", visible = false }],
          [{ id = "growth", expression = "DIFF(bytes)", label = "bytes" }],
          [{ id = "more", expression = "DIFF(images)", label = "images", yAxis = "right" }],
        ]
      },
      {
        # SERVICE_QUOTA takes one metric and no search, and of which repositories ECR counts images is not known here.
        title = "Repositories and images that ECR counts"
        stat  = "Maximum"
        metrics = [[{
          id         = "resources"
          expression = "SEARCH('{AWS/Usage,Class,Resource,Service,Type} Service=\"ECR\" MetricName=\"ResourceCount\"', 'Maximum', 3600)"
          label      = ""
        }]]
      },
      {
        title   = "Failures of upstream sync"
        stat    = "Sum"
        period  = 300
        metrics = [[local.lifecycle, "UpstreamSyncFailed", "Environment", var.environment]]
      },
      {
        title = "Expired images and bytes freed"
        stat  = "Sum"
        metrics = [
          [local.lifecycle, "Expired", "Environment", var.environment],
          [local.lifecycle, "BytesFreed", "Environment", var.environment, { yAxis = "right" }],
        ]
      },
      {
        title   = "Why nothing was expired, and what failed"
        stat    = "Sum"
        metrics = [for metric in ["RepositoriesFailed", "GuardTripped", "SnapshotStale"] : [local.lifecycle, metric, "Environment", var.environment]]
      },
      {
        title   = "Calls of the registry (a minute)"
        stat    = "Sum"
        period  = 60
        metrics = [for call in ["GetAuthorizationToken", "BatchGetImage", "GetDownloadUrlForLayer", "PutImage"] : ["AWS/Usage", "CallCount", "Service", "ECR", "Type", "API", "Resource", call, "Class", "None"]]
      },
    ],
    local.functions,
  )

  # Two graphs a row, each half of the 24 columns.
  dashboard = {
    widgets = [for index, graph in local.graphs : {
      type   = "metric"
      x      = index % 2 * 12
      y      = floor(index / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = graph.title
        region  = local.region
        view    = "timeSeries"
        stacked = false
        stat    = lookup(graph, "stat", "Sum")
        period  = lookup(graph, "period", local.day)
        metrics = graph.metrics
      }
    }]
  }

  alarms = merge(
    var.settings.storage_alarm_gib == null ? {} : {
      storage = {
        description = "Cached images take more than ${coalesce(var.settings.storage_alarm_gib, 0)} GiB: see `orchestrator lifecycle preview ${var.environment}` for what could go."
        namespace   = local.lifecycle, metric = "CachedBytes", dimensions = { Environment = var.environment }
        statistic   = "Maximum", period = local.day, threshold = coalesce(var.settings.storage_alarm_gib, 0) * 1073741824
        # Written once a run: between two of them nothing got smaller.
        missing = "ignore"
      }
    },
    var.settings.pulls_alarm == null ? {} : {
      pulls = {
        description = "More than ${coalesce(var.settings.pulls_alarm, 0)} layers a minute are pulled from the registry: ECR throttles at its quota."
        namespace   = "AWS/Usage", metric = "CallCount", dimensions = { Service = "ECR", Type = "API", Resource = "GetDownloadUrlForLayer", Class = "None" }
        statistic   = "Sum", period = 60, threshold = var.settings.pulls_alarm
        # Without calls there is no number.
        missing = "notBreaching"
      }
    },
  )
}

################################################################################
# Dashboard
################################################################################

resource "aws_cloudwatch_dashboard" "this" {
  count = var.create ? 1 : 0

  dashboard_name = local.name
  dashboard_body = jsonencode(local.dashboard)
}

################################################################################
# Alarms
################################################################################

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.create ? local.alarms : {}

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = each.value.missing
  alarm_actions       = compact([local.topic_arn])
  tags                = var.tags
}

module "alarm_topic" {
  source = "../alarm-topic"
  count  = local.create_topic ? 1 : 0

  account_id        = data.aws_caller_identity.current.account_id
  name              = "${local.name}-alarms"
  alarm_arn_pattern = "arn:${data.aws_partition.current.partition}:cloudwatch:${local.region}:${data.aws_caller_identity.current.account_id}:alarm:${local.name}-*"
  emails            = var.settings.emails
  tags              = var.tags
}
