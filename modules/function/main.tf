data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # ARNs are put together here, and not taken from the resources: so the policy is known before anything is made.
  dead_letters_arn = "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${var.name}-dead-letters"
  log_group_arn    = "arn:${local.partition}:logs:${local.region}:${var.account_id}:log-group:/aws/lambda/${var.name}"
  rule_arns        = [for key in keys(var.events) : "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${var.name}-${key}"]

  # Dead letters and log are written by services of AWS, which a key admits only when its policy says so.
  services_key = var.kms_key_admits_services ? var.kms_key_arn : null

  # What every function may do, after what this one may.
  statements = [
    for statement in concat(var.statements, [
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [local.dead_letters_arn]
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
        Resource = ["${local.log_group_arn}:*"]
      },
    ]) : statement if length(statement.Resource) > 0
  ]
}

################################################################################
# Function
################################################################################

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  runtime       = "python3.12"
  handler       = "${replace(var.component, "-", "_")}.handler.handle"
  architectures = [var.settings.architecture]
  memory_size   = var.settings.memory_mb
  timeout       = var.settings.timeout_seconds
  filename      = var.package
  # Of the zip's bytes, which are the same on every machine: unchanged code changes nothing.
  source_code_hash = fileexists(var.package) ? filebase64sha256(var.package) : null
  tags             = var.tags

  # -1 takes what others leave.
  reserved_concurrent_executions = var.settings.reserved_concurrency == null ? -1 : var.settings.reserved_concurrency

  environment {
    variables = merge(var.variables, var.resource_variables)
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.package)
      error_message = "There is no ${var.package}. Make it with: orchestrator lambda package"
    }

    # Lambda takes 4 KB in all; what is left is for the addresses of resources, which are not known here.
    precondition {
      condition     = length(jsonencode(var.variables)) <= 3700
      error_message = "The settings have ${length(jsonencode(var.variables))} characters and Lambda takes 4 KB of environment variables. Use fewer and shorter ones: fewer retention overrides with wider patterns, fewer rules, shorter names of clusters."
    }
  }

  # It fails without its rights, and its first line would make a log group without retention.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

# Events that it could not take after Lambda's own two retries.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name          = aws_lambda_function.this.function_name
  maximum_retry_attempts = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.settings.log_retention_days
  kms_key_id        = local.services_key
  tags              = var.tags
}

################################################################################
# What calls it
################################################################################

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.events

  name                = "${var.name}-${each.key}"
  description         = each.value.description
  schedule_expression = each.value.schedule
  event_pattern       = each.value.pattern
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = var.events

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = var.component
  arn       = aws_lambda_function.this.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}

resource "aws_lambda_permission" "events" {
  for_each = var.events

  statement_id  = "events-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

################################################################################
# Dead letters
################################################################################

# The policy is written where the queue is: a resource of its own makes Terraform wait half a minute more.
resource "aws_sqs_queue" "dead" {
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
        Resource  = local.dead_letters_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "UndeliveredEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.dead_letters_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
      },
    ]
  })
}

################################################################################
# What it may do
################################################################################

resource "aws_iam_role" "this" {
  # IAM knows no regions.
  name                 = "${var.name}-${local.region}"
  description          = var.role_description
  permissions_boundary = var.settings.permissions_boundary_arn
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

resource "aws_iam_role_policy" "this" {
  name   = var.component
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}
