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
  topic_arn    = local.create_topic ? one(aws_sns_topic.this[*].arn) : var.topic_arn

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
          severity     = slice(local.severities, index(local.severities, var.severity), length(local.severities))
          # What was closed and comes back is news.
          status = ["ACTIVE", "CLOSED"]
        }
      }
    }
  }
  patterns = {
    for name, rule in local.all_patterns : name => { description = rule.description, pattern = jsonencode(rule.pattern) }
    if var.create_function && contains(var.scan_type == "BASIC" ? ["cached", "scan"] : ["cached", "initial", "inspector"], name)
  }

  # Log, queue and topic are written to by services, whom a key's policy has to let in.
  services_key = var.kms_key_admits_services ? var.kms_key_arn : null
  dead_arn     = "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${var.name}-dead-letters"

  variables = {
    ACCOUNT_ID  = var.account_id
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
  # Shorter than Lambda waits before it calls again, see reported.py.
  timeout = 50
  # -1 takes what others leave.
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency
  filename                       = var.package
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

# Events that it could not take after Lambda's own two retries.
resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.create_function ? 1 : 0

  function_name          = aws_lambda_function.this[0].function_name
  maximum_retry_attempts = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead[0].arn
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count = var.create_function ? 1 : 0

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.services_key
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

  dead_letter_config {
    arn = aws_sqs_queue.dead[0].arn
  }
}

resource "aws_lambda_permission" "events" {
  for_each = local.patterns

  statement_id  = "events-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

# The policy is written where the queue is: a resource of its own makes Terraform wait half a minute more.
resource "aws_sqs_queue" "dead" {
  count = var.create_function ? 1 : 0

  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = local.services_key == null ? true : null
  kms_master_key_id         = local.services_key
  tags                      = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.dead_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "UndeliveredEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.dead_arn
        Condition = { ArnEquals = { "aws:SourceArn" = [for name in keys(local.patterns) : "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${var.name}-${name}"] } }
      },
    ]
  })
}

################################################################################
# Topic
################################################################################

resource "aws_sns_topic" "this" {
  count = local.create_topic ? 1 : 0

  name = var.name
  # With a key that does not let CloudWatch in, alarms would tell nobody, and nothing would say so.
  kms_master_key_id = local.services_key
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
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.dead[*].arn
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
# Alarms
################################################################################

locals {
  # {alarm: what is watched}
  alarms = {
    errors = {
      description = "The report of scan findings failed. Its log is /aws/lambda/${var.name}."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = var.name }, statistic = "Sum"
    }
    dead-letters = {
      description = "The report of scan findings gave up on events, whose images are not reported or not scanned: see the queue ${var.name}-dead-letters."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${var.name}-dead-letters" }, statistic = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.create_function ? local.alarms : {}

  alarm_name          = "${var.name}-${each.key}"
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
