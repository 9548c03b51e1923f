data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  function_arn = "arn:${local.partition}:lambda:${local.region}:${var.account_id}:function:${var.name}"
  bucket_name  = coalesce(var.bucket_name, "ecr-lifecycle-${var.account_id}-${local.region}")
  bucket_arn   = "arn:${local.partition}:s3:::${local.bucket_name}"

  log_group_arn = "arn:${local.partition}:logs:${local.region}:${var.account_id}:log-group:/aws/lambda/${var.name}"

  repository_arn = "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository"
  # A rule for ROOT caches beside what was pushed: there the function takes for cached only what an override names, and
  # a pattern such as `*` or `*-operator` names nobody's repositories in particular.
  root_patterns = contains(var.prefixes, "ROOT") ? [
    for rule in var.retention.overrides : replace(rule.pattern, "/\\/+$/", "") if !startswith(rule.pattern, "*")
  ] : []
  cached_names = sort(distinct(concat(
    [for prefix in var.prefixes : "${prefix}/*" if prefix != "ROOT"],
    flatten([for pattern in local.root_patterns : strcontains(pattern, "*") ? [pattern] : [pattern, "${pattern}/*"]]),
  )))
  cached_arns = [for name in local.cached_names : "${local.repository_arn}/${name}"]

  # Without prefixes there is nothing to do; the function still runs, finds 0 repositories and says so.
  function = var.create_function
  topic    = var.create_topic && var.create_function

  # Topic, queues and log are written by services of AWS, which a key admits only when its policy says so. A key that does
  # not would make every alarm mute.
  service_key = var.kms_key_admits_services ? var.kms_key_arn : null

  # The names as EventBridge takes them. Its patterns have 2,048 characters: without the filter it calls the function for
  # pushes to other repositories too, which the function leaves alone.
  pushed_detail = { action-type = ["PUSH"], result = ["SUCCESS"] }
  pushed_below  = merge(local.pushed_detail, { repository-name = [for prefix in sort(distinct(var.prefixes)) : { prefix = "${prefix}/" }] })
  pushed_pattern = {
    for key, detail in { all = local.pushed_detail, below = local.pushed_below } :
    key => jsonencode({ source = ["aws.ecr"], detail-type = ["ECR Image Action"], account = [var.account_id], detail = detail })
  }
  pushed_filtered = length(var.prefixes) > 0 && !contains(var.prefixes, "ROOT") && length(local.pushed_pattern.below) <= 2048

  alarm_actions = local.topic ? [one(aws_sns_topic.this[*].arn)] : compact([var.topic_arn])

  # Lambda takes strings; what is null is left out, so that the function's own defaults hold.
  retention = {
    default = { for key, value in var.retention : key => value if value != null && key != "overrides" }
    overrides = [
      for rule in var.retention.overrides : { for key, value in rule : key => value if value != null }
    ]
  }
  variables = {
    BUCKET                         = local.bucket_name
    CACHE_ONLY                     = jsonencode(sort(distinct(var.cache_only)))
    CLUSTERS                       = jsonencode(sort(distinct(var.clusters)))
    DRY_RUN                        = tostring(var.dry_run)
    ENVIRONMENT                    = var.environment
    INSPECTOR                      = tostring(var.inspector)
    MAX_EXPIRE_FRACTION_ACCOUNT    = tostring(var.max_expire_fraction.account)
    MAX_EXPIRE_FRACTION_REPOSITORY = tostring(var.max_expire_fraction.repository)
    METRIC_NAMESPACE               = "Orchestrator/Lifecycle"
    NATIVE_POLICY                  = var.native_policy
    OWN                            = jsonencode(sort(distinct(var.own_repositories)))
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

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge(local.variables, { QUEUE_URL = aws_sqs_queue.pages[0].url })
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
  kms_key_id        = local.service_key
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

# A cached image arrived or could not be refreshed. Other accounts may forward their events to this bus.
resource "aws_cloudwatch_event_rule" "sync" {
  count = local.function ? 1 : 0

  name        = "${var.name}-sync"
  description = "ECR cached an image, or failed to"
  event_pattern = jsonencode({
    source      = ["aws.ecr"]
    detail-type = ["ECR Pull Through Cache Action"]
    account     = [var.account_id]
    detail      = { sync-status = var.native_policy == "" ? ["FAILED"] : ["FAILED", "SUCCESS"] }
  })
  tags = var.tags
}

# Deletions are left out: most are its own. Only a native policy gives it anything to do at a push.
resource "aws_cloudwatch_event_rule" "images" {
  count = contains(local.event_names, "images") ? 1 : 0

  name          = "${var.name}-images"
  description   = "An image was pushed below a pull-through prefix"
  event_pattern = local.pushed_pattern[local.pushed_filtered ? "below" : "all"]
  tags          = var.tags
}

locals {
  event_names = local.function ? (var.native_policy == "" ? ["schedule", "sync"] : ["images", "schedule", "sync"]) : []
  event_rules = {
    images   = one(aws_cloudwatch_event_rule.images[*])
    schedule = one(aws_cloudwatch_event_rule.schedule[*])
    sync     = one(aws_cloudwatch_event_rule.sync[*])
  }
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = toset(local.event_names)

  rule      = local.event_rules[each.key].name
  target_id = "lifecycle-manager"
  arn       = aws_lambda_function.this[0].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead[0].arn
  }
}

resource "aws_lambda_permission" "events" {
  for_each = toset(local.event_names)

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
    Condition = { ArnEquals = { "aws:SourceArn" = [for name in local.event_names : "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${var.name}-${name}"] } }
  }
}

# One message a page of repositories.
resource "aws_sqs_queue" "pages" {
  count = local.function ? 1 : 0

  name = "${var.name}-pages"
  # A message must not come back while it is worked on, but soon after: the run waits for a page that failed. AWS's advice
  # of six times the timeout is for batches and throttled pollers; here a message comes alone, and max_concurrency bounds them.
  visibility_timeout_seconds = var.timeout_seconds + 60
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = local.service_key == null ? true : null
  kms_master_key_id          = local.service_key
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead[0].arn, maxReceiveCount = 5 })
  policy                     = jsonencode({ Version = "2012-10-17", Statement = [local.only_tls["pages"]] })
  tags                       = var.tags
}

resource "aws_sqs_queue" "dead" {
  count = local.function ? 1 : 0

  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = local.service_key == null ? true : null
  kms_master_key_id         = local.service_key
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
  # What it changes: the expire actions of the retention, and native policies. Its own go when they are no longer asked for.
  changes = distinct(concat(
    [
      for rule in concat([var.retention], var.retention.overrides) :
      coalesce(rule.expire_action, var.retention.expire_action) == "archive" ? "ecr:UpdateImageStorageClass" : "ecr:BatchDeleteImage"
    ],
    ["ecr:DeleteLifecyclePolicy"],
    var.native_policy == "" ? [] : ["ecr:PutLifecyclePolicy"],
  ))

  # ARNs are put together here, and not taken from the resources: so the policy and its length are known before anything is made.
  statements = [
    for statement in [
      {
        Sid      = "Discover"
        Effect   = "Allow"
        Action   = ["ecr:DescribePullThroughCacheRules", "ecr:DescribeRepositories"]
        Resource = ["*"] # the first knows no resources; the second lists all of a registry
      },
      {
        # One statement, so that the repositories are written once: they are most of the policy's length.
        Sid    = "Cached"
        Effect = "Allow"
        Action = sort(concat(
          ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetLifecyclePolicy"],
          var.dry_run ? [] : local.changes,
        ))
        Resource = local.cached_arns
      },
      {
        # Reading a manifest counts as a pull unless the reader is excluded: it would keep what it looks at.
        Sid    = "OwnPullsDoNotCount"
        Effect = "Allow"
        # The user guide calls the right by one name, the API by another.
        Action   = ["ecr:CreatePullTimeUpdateExclusion", "ecr:ListPullTimeUpdateExclusions", "ecr:RegisterPullTimeUpdateExclusion"]
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
        Resource = [for prefix in ["cache", "cached", "runs", "snapshots"] : "${local.bucket_arn}/${prefix}/*"]
      },
      {
        Sid      = "Audit"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [for prefix in ["audit", "cache", "cached", "runs"] : "${local.bucket_arn}/${prefix}/*"]
      },
      {
        # How many images a cluster ran before: a snapshot that shrank stops the expiry.
        Sid      = "EarlierSnapshots"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersion"]
        Resource = ["${local.bucket_arn}/snapshots/*"]
      },
      {
        # Without it, what is absent answers as forbidden.
        Sid      = "AbsentIsNotForbidden"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = [local.bucket_arn]
      },
      {
        Sid      = "Pages"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource = [local.queue_arns["pages"]]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [local.queue_arns["dead-letters"]]
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
    ] : statement if length(statement.Resource) > 0
  ]
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_iam_role_policy" "function" {
  count = local.function ? 1 : 0

  name   = "lifecycle-manager"
  role   = aws_iam_role.function[0].id
  policy = local.policy

  lifecycle {
    precondition {
      # IAM does not count white space; jsonencode writes none.
      condition     = length(local.policy) <= 10240
      error_message = "The function's policy has ${length(local.policy)} characters and IAM takes 10,240 in a role: ${length(local.cached_arns)} patterns of repositories are too many. Put prefixes below a common one (team/docker-hub, team/quay) and name that${contains(var.prefixes, "ROOT") ? ", or use fewer and wider patterns in retention.overrides, which name what ROOT caches" : ""}."
    }
  }
}
