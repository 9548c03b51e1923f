data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  function_arn = "arn:${local.partition}:lambda:${local.region}:${var.account_id}:function:${var.name}"
  bucket_name  = coalesce(var.bucket_name, "ecr-lifecycle-${var.account_id}-${local.region}")
  bucket_arn   = "arn:${local.partition}:s3:::${local.bucket_name}"

  repository_arn = "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository"
  cached_arns = contains(var.prefixes, "ROOT") ? ["${local.repository_arn}/*"] : [
    for prefix in sort(distinct(var.prefixes)) : "${local.repository_arn}/${prefix}/*"
  ]

  # Without prefixes there is nothing to do; the function still runs, finds 0 repositories and says so.
  function = var.create_function
  topic    = var.create_topic && var.create_function
  # Wildcards of a string that ends in one: EventBridge takes a prefix there.
  cached_names = contains(var.prefixes, "ROOT") ? [] : [for prefix in sort(distinct(var.prefixes)) : { prefix = "${prefix}/" }]

  alarm_actions = local.topic ? [aws_sns_topic.this[0].arn] : compact([var.topic_arn])

  # Lambda takes strings; what is null is left out, so that the function's own defaults hold.
  retention = {
    default = { for key, value in var.retention : key => value if value != null && key != "overrides" }
    overrides = [
      for rule in var.retention.overrides : { for key, value in rule : key => value if value != null }
    ]
  }
  variables = {
    BUCKET                         = local.bucket_name
    CLUSTERS                       = jsonencode(sort(distinct(var.clusters)))
    DRY_RUN                        = tostring(var.dry_run)
    ENVIRONMENT                    = var.environment
    INSPECTOR                      = tostring(var.inspector)
    MAX_EXPIRE_FRACTION_ACCOUNT    = tostring(var.max_expire_fraction.account)
    MAX_EXPIRE_FRACTION_REPOSITORY = tostring(var.max_expire_fraction.repository)
    METRIC_NAMESPACE               = "Orchestrator/Lifecycle"
    NATIVE_POLICY                  = var.native_policy
    RETENTION                      = jsonencode(local.retention)
    ROUTES                         = jsonencode(var.routes)
    SNAPSHOT_MAX_AGE_HOURS         = tostring(var.snapshot_max_age_hours)
    SNAPSHOT_REQUIRED              = tostring(length(var.clusters) > 0)
  }
}

################################################################################
# Function
################################################################################

resource "aws_lambda_function" "this" {
  count = local.function ? 1 : 0

  function_name = var.name
  description   = "Expires cached images that nobody pulls and nothing runs"
  role          = aws_iam_role.function[0].arn
  runtime       = "python3.12"
  handler       = "lifecycle_manager.handler.handle"
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds
  filename      = var.package
  # Of the zip's bytes, which are the same on every machine: unchanged code changes nothing.
  source_code_hash = fileexists(var.package) ? filebase64sha256(var.package) : null
  tags             = var.tags

  environment {
    variables = merge(
      local.variables,
      { QUEUE_URL = aws_sqs_queue.pages[0].url },
      length(local.alarm_actions) > 0 ? { TOPIC_ARN = local.alarm_actions[0] } : {},
    )
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.package)
      error_message = "There is no ${var.package}. Make it with: orchestrator lambda package"
    }

    precondition {
      condition     = length(jsonencode(local.variables)) <= 3700
      error_message = "The settings have ${length(jsonencode(local.variables))} characters and Lambda takes 4 KB of environment variables. Use fewer retention overrides, with wider patterns."
    }
  }

  # It fails without its rights, and its first line would make a log group without retention.
  depends_on = [aws_iam_role_policy.function, aws_cloudwatch_log_group.function]
}

# Events that it could not take after Lambda's own two retries.
resource "aws_lambda_function_event_invoke_config" "this" {
  count = local.function ? 1 : 0

  function_name          = aws_lambda_function.this[0].function_name
  maximum_retry_attempts = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead[0].arn
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  count = local.function ? 1 : 0

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

################################################################################
# What calls it: the schedule, ECR's events, its own queue
################################################################################

resource "aws_cloudwatch_event_rule" "schedule" {
  count = local.function ? 1 : 0

  name                = "${var.name}-schedule"
  description         = "Expire cached images"
  schedule_expression = var.schedule
  tags                = var.tags
}

# A cached image arrived or could not be refreshed.
resource "aws_cloudwatch_event_rule" "sync" {
  count = local.function ? 1 : 0

  name        = "${var.name}-sync"
  description = "ECR cached an image, or failed to"
  event_pattern = jsonencode({
    source      = ["aws.ecr"]
    detail-type = ["ECR Pull Through Cache Action"]
    detail      = { sync-status = var.native_policy == "" ? ["FAILED"] : ["FAILED", "SUCCESS"] }
  })
  tags = var.tags
}

# Deletions are left out: most are its own. Only a native policy gives it anything to do at a push.
resource "aws_cloudwatch_event_rule" "images" {
  count = local.function ? 1 : 0

  name        = "${var.name}-images"
  description = "An image was pushed below a pull-through prefix"
  state       = var.native_policy == "" ? "DISABLED" : "ENABLED"
  event_pattern = jsonencode({
    source      = ["aws.ecr"]
    detail-type = ["ECR Image Action"]
    detail = merge(
      { action-type = ["PUSH"], result = ["SUCCESS"] },
      length(local.cached_names) > 0 ? { repository-name = local.cached_names } : {},
    )
  })
  tags = var.tags
}

locals {
  event_rules = local.function ? {
    schedule = aws_cloudwatch_event_rule.schedule[0]
    sync     = aws_cloudwatch_event_rule.sync[0]
    images   = aws_cloudwatch_event_rule.images[0]
  } : {}
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.function ? toset(["schedule", "sync", "images"]) : []

  rule      = local.event_rules[each.key].name
  target_id = "lifecycle-manager"
  arn       = aws_lambda_function.this[0].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead[0].arn
  }
}

resource "aws_lambda_permission" "events" {
  for_each = local.function ? toset(["schedule", "sync", "images"]) : []

  statement_id  = "events-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = local.event_rules[each.key].arn
}

# Policies are written where the queues are: a resource of their own makes Terraform wait half a minute more.
locals {
  queue_arns = {
    for name in ["pages", "dead-letters"] : name => "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${var.name}-${name}"
  }
  only_tls = {
    for name, arn in local.queue_arns : name => {
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
  undelivered = {
    Sid       = "UndeliveredEvents"
    Effect    = "Allow"
    Principal = { Service = "events.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Resource  = local.queue_arns["dead-letters"]
    Condition = { ArnEquals = { "aws:SourceArn" = [for name in ["images", "schedule", "sync"] : "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${var.name}-${name}"] } }
  }
}

# One message a page of repositories.
resource "aws_sqs_queue" "pages" {
  count = local.function ? 1 : 0

  name = "${var.name}-pages"
  # Six times the function's timeout, as Lambda asks for: a message must not come back while it is worked on.
  visibility_timeout_seconds = 6 * var.timeout_seconds
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead[0].arn, maxReceiveCount = 5 })
  policy                     = jsonencode({ Version = "2012-10-17", Statement = [local.only_tls["pages"]] })
  tags                       = var.tags
}

resource "aws_sqs_queue" "dead" {
  count = local.function ? 1 : 0

  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  policy                    = jsonencode({ Version = "2012-10-17", Statement = [local.only_tls["dead-letters"], local.undelivered] })
  tags                      = var.tags
}

resource "aws_lambda_event_source_mapping" "pages" {
  count = local.function ? 1 : 0

  event_source_arn = aws_sqs_queue.pages[0].arn
  function_name    = aws_lambda_function.this[0].arn
  # A page is minutes of work: two in one call would only make the second late.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = var.tags

  scaling_config {
    maximum_concurrency = var.max_concurrency
  }
}

################################################################################
# What it may do
################################################################################

resource "aws_iam_role" "function" {
  count = local.function ? 1 : 0

  # IAM knows no regions.
  name                 = "${var.name}-${local.region}"
  description          = "Expires cached images of ECR"
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
        Sid      = "Discover"
        Effect   = "Allow"
        Action   = ["ecr:DescribePullThroughCacheRules", "ecr:DescribeRepositories"]
        Resource = ["*"] # the first knows no resources; the second lists all of a registry
      },
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ecr:BatchGetImage",
          "ecr:DescribeImages",
          "ecr:GetLifecyclePolicy",
          "ecr:ListImageReferrers",
          "ecr:ListImages",
        ]
        Resource = local.cached_arns
      },
      {
        Sid    = "Expire"
        Effect = "Allow"
        Action = sort(distinct(flatten([
          for rule in concat([var.retention], var.retention.overrides) : coalesce(rule.expire_action, var.retention.expire_action) == "archive" ? ["ecr:UpdateImageStorageClass"] : ["ecr:BatchDeleteImage"]
        ])))
        Resource = var.dry_run ? [] : local.cached_arns
      },
      {
        # Its own policies go when they are no longer asked for.
        Sid      = "NativePolicies"
        Effect   = "Allow"
        Action   = var.native_policy == "" ? ["ecr:DeleteLifecyclePolicy"] : ["ecr:DeleteLifecyclePolicy", "ecr:PutLifecyclePolicy"]
        Resource = var.dry_run ? [] : local.cached_arns
      },
      {
        # Reading a manifest counts as a pull unless the reader is excluded: it would keep what it looks at.
        Sid      = "OwnPullsDoNotCount"
        Effect   = "Allow"
        Action   = ["ecr:ListPullTimeUpdateExclusions", "ecr:RegisterPullTimeUpdateExclusion"]
        Resource = ["*"] # they know no resources
      },
      {
        Sid      = "Inspector"
        Effect   = "Allow"
        Action   = ["inspector2:ListCoverage"]
        Resource = var.inspector ? ["*"] : [] # it knows no resources
      },
      {
        Sid      = "Records"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for prefix in ["audit", "cache", "runs", "snapshots"] : "${local.bucket_arn}/${prefix}/*"]
      },
      {
        Sid      = "Audit"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [for prefix in ["audit", "cache", "runs"] : "${local.bucket_arn}/${prefix}/*"]
      },
      {
        # Without it, what is absent answers as forbidden.
        Sid      = "AbsentIsNotForbidden"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [local.bucket_arn]
      },
      {
        Sid      = "Pages"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource = aws_sqs_queue.pages[*].arn
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.dead[*].arn
      },
      {
        Sid      = "Notify"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = local.alarm_actions
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
        Resource = [for group in aws_cloudwatch_log_group.function : "${group.arn}:*"]
      },
    ] : statement if length(statement.Resource) > 0
  ]
}

resource "aws_iam_role_policy" "function" {
  count = local.function ? 1 : 0

  name   = "lifecycle-manager"
  role   = aws_iam_role.function[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}
