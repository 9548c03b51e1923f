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

  create_topic = var.create_function && var.topic_arn == null
  topic_arn    = local.create_topic ? aws_sns_topic.this[0].arn : var.topic_arn

  # {rule: what it waits for}. ECR reports the end of a basic scan, Inspector each finding of an enhanced one.
  all_patterns = {
    cached = {
      description = "ECR cached an image, which is to be scanned"
      pattern     = { source = ["aws.ecr"], detail-type = ["ECR Pull Through Cache Action"], detail = { sync-status = ["SUCCESS"] } }
    }
    scan = {
      description = "ECR finished a basic scan"
      pattern     = { source = ["aws.ecr"], detail-type = ["ECR Image Scan"] }
    }
    initial = {
      description = "Amazon Inspector finished the first scan of an image"
      pattern     = { source = ["aws.inspector2"], detail-type = ["Inspector2 Scan"], detail = { scan-status = ["INITIAL_SCAN_COMPLETE"] } }
    }
    inspector = {
      description = "Amazon Inspector found something in an image"
      pattern     = { source = ["aws.inspector2"], detail-type = ["Inspector2 Finding"], detail = { status = ["ACTIVE"], resources = { type = ["AWS_ECR_CONTAINER_IMAGE"] } } }
    }
  }
  patterns = {
    for name, rule in local.all_patterns : name => { description = rule.description, pattern = jsonencode(rule.pattern) }
    if var.create_function && contains(var.scan_type == "BASIC" ? ["cached", "scan"] : ["initial", "inspector"], name)
  }

  variables = {
    BUCKET      = var.bucket_name
    CLUSTERS    = jsonencode(sort(distinct(var.clusters)))
    ENVIRONMENT = var.environment
    ROUTES      = jsonencode(var.routes)
    SCAN_TYPE   = var.scan_type
    SEVERITY    = var.severity
  }
}

################################################################################
# Function
################################################################################

resource "aws_lambda_function" "this" {
  count = var.create_function ? 1 : 0

  function_name = var.name
  description   = "Starts scans of newly cached images and reports what scans find"
  role          = aws_iam_role.this[0].arn
  runtime       = "python3.12"
  handler       = "scan_findings.handler.handle"
  architectures = [var.architecture]
  memory_size   = 256
  timeout       = 60
  filename      = var.package
  # Of the zip's bytes, which are the same on every machine: unchanged code changes nothing.
  source_code_hash = fileexists(var.package) ? filebase64sha256(var.package) : null
  tags             = var.tags

  environment {
    variables = merge(local.variables, { TOPIC_ARN = local.topic_arn })
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.package)
      error_message = "There is no ${var.package}. Make it with: orchestrator lambda package"
    }

    precondition {
      condition     = length(jsonencode(local.variables)) <= 3800
      error_message = "The settings have ${length(jsonencode(local.variables))} characters and Lambda takes 4 KB of environment variables."
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

resource "aws_cloudwatch_log_group" "this" {
  count = var.create_function ? 1 : 0

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

################################################################################
# Events
################################################################################

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.patterns

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = each.value.pattern
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.patterns

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "scan-findings"
  arn       = aws_lambda_function.this[0].arn
}

resource "aws_lambda_permission" "events" {
  for_each = local.patterns

  statement_id  = "events-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

################################################################################
# Topic
################################################################################

resource "aws_sns_topic" "this" {
  count = local.create_topic ? 1 : 0

  name              = var.name
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  count = local.create_topic ? 1 : 0

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
  for_each = local.create_topic ? toset(var.emails) : []

  topic_arn = aws_sns_topic.this[0].arn
  protocol  = "email"
  endpoint  = each.value
}

################################################################################
# What it may do
################################################################################

resource "aws_iam_role" "this" {
  count = var.create_function ? 1 : 0

  # IAM knows no regions.
  name                 = "${var.name}-${local.region}"
  description          = "Starts scans in ECR and reports what they find"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Lambda"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

locals {
  statements = [
    for statement in [
      {
        Sid      = "Scan"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:StartImageScan"] # an index is scanned by its images
        Resource = var.scan_type == "BASIC" ? local.cached_arns : []
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
        Resource = ["${local.bucket_arn}/cache/findings/*", "${local.bucket_arn}/snapshots/*"]
      },
      {
        Sid      = "Reported"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${local.bucket_arn}/cache/findings/*"]
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
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = compact([var.kms_key_arn])
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [for group in aws_cloudwatch_log_group.this : "${group.arn}:*"]
      },
    ] : statement if length(statement.Resource) > 0
  ]
}

resource "aws_iam_role_policy" "this" {
  count = var.create_function ? 1 : 0

  name   = "scan-findings"
  role   = aws_iam_role.this[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

################################################################################
# Alarm
################################################################################

resource "aws_cloudwatch_metric_alarm" "errors" {
  count = var.create_function ? 1 : 0

  alarm_name          = "${var.name}-errors"
  alarm_description   = "The report of scan findings failed. Its log is /aws/lambda/${var.name}."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = var.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  tags                = var.tags
}
