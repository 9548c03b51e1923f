data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  bucket_arn     = "arn:${local.partition}:s3:::${var.bucket_name}"
  repository_arn = "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository"
  cached_arns = contains(var.prefixes, "ROOT") ? ["${local.repository_arn}/*"] : [
    for prefix in sort(distinct(var.prefixes)) : "${local.repository_arn}/${prefix}/*"
  ]

  name         = var.settings.name
  create_topic = var.create_function && coalesce(var.create_topic, var.settings.topic_arn == null)
  topic_arn    = local.create_topic ? one(module.alarm_topic[*].arn) : var.settings.topic_arn

  severities = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]

  # {rule: what it waits for}. ECR reports the end of a basic scan, Inspector each finding of an enhanced one. To a
  # delegated administrator Inspector sends the events of all member accounts: whose image it is stands in the detail.
  all_patterns = {
    cached = {
      description = "ECR cached an image, which is to be scanned, or an index, whose images are to be known"
      pattern = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Pull Through Cache Action"]
        account     = [var.account_id]
        detail      = { sync-status = ["SUCCESS"] }
      }
    }
    scan = {
      description = "ECR finished a basic scan"
      pattern = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Image Scan"]
        account     = [var.account_id]
        detail      = { scan-status = ["COMPLETE"] }
      }
    }
    initial = {
      description = "Amazon Inspector finished the first scan of an image"
      pattern = {
        source      = ["aws.inspector2"]
        detail-type = ["Inspector2 Scan"]
        detail      = { scan-status = ["INITIAL_SCAN_COMPLETE"], repository-name = [{ prefix = "${local.repository_arn}/" }] }
      }
    }
    inspector = {
      description = "Amazon Inspector found something in an image"
      pattern = {
        source      = ["aws.inspector2"]
        detail-type = ["Inspector2 Finding"]
        detail = {
          awsAccountId = [var.account_id]
          resources    = { type = ["AWS_ECR_CONTAINER_IMAGE"] }
          severity     = slice(local.severities, index(local.severities, var.settings.severity), length(local.severities))
          # A finding that was closed and comes back is news.
          status = ["ACTIVE", "CLOSED"]
        }
      }
    }
  }
  events = {
    for name, rule in local.all_patterns : name => { description = rule.description, pattern = jsonencode(rule.pattern) }
    if contains(var.scan_type == "BASIC" ? ["cached", "scan"] : ["cached", "initial", "inspector"], name)
  }

  variables = {
    ACCOUNT_ID  = var.account_id
    BUCKET      = var.bucket_name
    CLUSTERS    = jsonencode(sort(distinct(var.clusters)))
    ENVIRONMENT = var.environment
    ROUTES      = jsonencode(var.routes)
    SCAN_TYPE   = var.scan_type
    SEVERITY    = var.settings.severity
  }
}

################################################################################
# Function
################################################################################

module "function" {
  source = "../function"
  count  = var.create_function ? 1 : 0

  account_id       = var.account_id
  name             = local.name
  component        = "scan-findings"
  description      = "Starts scans of newly cached images and reports what scans find"
  role_description = "Starts scans in ECR and reports what they find"
  package          = var.package
  # Shorter than Lambda waits before it calls again, see reported.py.
  settings = merge(var.settings, { memory_mb = 256, timeout_seconds = 50 })

  variables          = local.variables
  resource_variables = { TOPIC_ARN = local.topic_arn }
  statements         = local.statements
  events             = local.events

  kms_key_arn             = var.kms_key_arn
  kms_key_admits_services = var.kms_key_admits_services
  tags                    = var.tags
}

module "alarm_topic" {
  source = "../alarm-topic"
  count  = local.create_topic ? 1 : 0

  account_id = var.account_id
  name       = local.name
  # With a key that does not let CloudWatch in, alarms would tell nobody, and nothing would say so.
  kms_key_arn = var.kms_key_admits_services ? var.kms_key_arn : null
  emails      = var.settings.emails
  tags        = var.tags
}

################################################################################
# What it may do
################################################################################

locals {
  statements = [
    {
      Sid      = "Scan"
      Effect   = "Allow"
      Action   = ["ecr:StartImageScan"]
      Resource = var.scan_type == "BASIC" ? local.cached_arns : []
    },
    {
      # An index is scanned by its images, and runs by its own name.
      Sid      = "Indexes"
      Effect   = "Allow"
      Action   = ["ecr:BatchGetImage", "ecr:DescribeImages"]
      Resource = local.cached_arns
    },
    {
      # Own images are scanned too.
      Sid      = "Findings"
      Effect   = "Allow"
      Action   = ["ecr:DescribeImageScanFindings"]
      Resource = ["${local.repository_arn}/*"]
    },
    {
      # ECR asks Inspector with the caller's rights.
      Sid      = "EnhancedFindings"
      Effect   = "Allow"
      Action   = ["inspector2:ListCoverage", "inspector2:ListFindings"]
      Resource = var.scan_type == "ENHANCED" ? ["*"] : [] # they know no resources
    },
    {
      Sid      = "Records"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${local.bucket_arn}/findings/*", "${local.bucket_arn}/snapshots/*"]
    },
    {
      Sid      = "Reported"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = ["${local.bucket_arn}/findings/*"]
    },
    {
      # Without it, what is absent answers as forbidden.
      Sid      = "AbsentIsNotForbidden"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [local.bucket_arn]
    },
    {
      Sid      = "Report"
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = [local.topic_arn]
    },
  ]
}

################################################################################
# Alarms
################################################################################

locals {
  # {alarm: what is watched}
  alarms = {
    errors = {
      description = "The report of scan findings failed. Its log is /aws/lambda/${local.name}."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = local.name }, statistic = "Sum"
    }
    dead-letters = {
      description = "The report of scan findings gave up on events. Their images are not reported or not scanned: see the queue ${local.name}-dead-letters."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${local.name}-dead-letters" }, statistic = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.create_function ? local.alarms : {}

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  tags                = var.tags
}
