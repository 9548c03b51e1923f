data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  name        = var.settings.name
  bucket_name = coalesce(var.bucket_name, "ecr-lifecycle-${var.account_id}-${local.region}")
  bucket_arn  = "arn:${local.partition}:s3:::${local.bucket_name}"

  repository_arn = "arn:${local.partition}:ecr:${local.region}:${var.account_id}:repository"
  # A rule for ROOT caches beside what was pushed. There the function takes for cached only what an override names. A
  # pattern such as `*` or `*-operator` names nobody's repositories in particular.
  root_patterns = contains(var.prefixes, "ROOT") ? [
    for rule in var.settings.retention.overrides : replace(rule.pattern, "/\\/+$/", "") if !startswith(rule.pattern, "*")
  ] : []
  cached_names = sort(distinct(concat(
    [for prefix in var.prefixes : "${prefix}/*" if prefix != "ROOT"],
    flatten([for pattern in local.root_patterns : strcontains(pattern, "*") ? [pattern] : [pattern, "${pattern}/*"]]),
  )))
  cached_arns = [for name in local.cached_names : "${local.repository_arn}/${name}"]

  # Without prefixes there is nothing to do; the function still runs, finds 0 repositories and says so.
  function = var.create_function
  topic    = var.create_function && coalesce(var.create_topic, var.settings.topic_arn == null)

  # Topic, queues and log are written by services of AWS, which a key admits only when its policy says so. A key that does
  # not would make every alarm mute.
  service_key = var.settings.kms_key_admits_services ? var.settings.kms_key_arn : null

  # The names as EventBridge takes them. Its patterns have 2,048 characters. Without the filter it calls the function for
  # pushes to other repositories too, which the function leaves alone.
  pushed_detail = { action-type = ["PUSH"], result = ["SUCCESS"] }
  pushed_below  = merge(local.pushed_detail, { repository-name = [for prefix in sort(distinct(var.prefixes)) : { prefix = "${prefix}/" }] })
  pushed_pattern = {
    for key, detail in { all = local.pushed_detail, below = local.pushed_below } :
    key => jsonencode({ source = ["aws.ecr"], detail-type = ["ECR Image Action"], account = [var.account_id], detail = detail })
  }
  pushed_filtered = length(var.prefixes) > 0 && !contains(var.prefixes, "ROOT") && length(local.pushed_pattern.below) <= 2048

  topic_arn     = local.topic ? one(module.alarm_topic[*].arn) : var.settings.topic_arn
  alarm_actions = compact([local.topic_arn])

  # Lambda takes strings; what is null is left out, so that the function's own defaults hold.
  retention = {
    default = { for key, value in var.settings.retention : key => value if value != null && key != "overrides" }
    overrides = [
      for rule in var.settings.retention.overrides : { for key, value in rule : key => value if value != null }
    ]
  }
  variables = {
    BUCKET                         = local.bucket_name
    CACHE_ONLY                     = jsonencode(sort(distinct(var.settings.cache_only)))
    CLUSTERS                       = jsonencode(sort(distinct(var.settings.clusters)))
    DRY_RUN                        = tostring(var.dry_run)
    ENVIRONMENT                    = var.environment
    INSPECTOR                      = tostring(var.inspector)
    MAX_EXPIRE_FRACTION_ACCOUNT    = tostring(var.settings.max_expire_fraction_account)
    MAX_EXPIRE_FRACTION_REPOSITORY = tostring(var.settings.max_expire_fraction_repository)
    METRIC_NAMESPACE               = "Orchestrator/Lifecycle"
    NATIVE_POLICY                  = var.settings.native_policy
    OWN                            = jsonencode(sort(distinct(var.own_repositories)))
    RETENTION                      = jsonencode(local.retention)
    ROUTES                         = jsonencode(var.routes)
    SNAPSHOT_MAX_AGE_HOURS         = tostring(var.settings.snapshot_max_age_hours)
    SNAPSHOT_REQUIRED              = tostring(length(var.settings.clusters) > 0)
  }
}

################################################################################
# Function
################################################################################

module "function" {
  source = "../function"
  count  = local.function ? 1 : 0

  account_id       = var.account_id
  name             = local.name
  component        = "lifecycle-manager"
  description      = "Expires cached images that nobody pulls and nothing runs"
  role_description = "Expires cached images of ECR"
  package          = var.package
  settings         = var.settings

  variables          = local.variables
  resource_variables = { QUEUE_URL = one(aws_sqs_queue.pages[*].url) }
  statements         = local.statements
  events             = local.events

  kms_key_arn             = var.settings.kms_key_arn
  kms_key_admits_services = var.settings.kms_key_admits_services
  tags                    = var.tags
}

################################################################################
# What calls it: the schedule, ECR's events, its own queue
################################################################################

locals {
  # Deletions are left out: most are its own. Only a native policy gives it anything to do at a push.
  pushes = var.settings.native_policy == "" ? {} : {
    images = { description = "An image was pushed below a pull-through prefix", pattern = local.pushed_pattern[local.pushed_filtered ? "below" : "all"] }
  }
  events = merge(local.pushes, {
    schedule = { description = "Expire cached images", schedule = var.settings.schedule }
    # A cached image arrived or could not be refreshed. Other accounts may forward their events to this bus.
    sync = {
      description = "ECR cached an image, or failed to"
      pattern = jsonencode({
        source      = ["aws.ecr"]
        detail-type = ["ECR Pull Through Cache Action"]
        account     = [var.account_id]
        detail      = { sync-status = var.settings.native_policy == "" ? ["FAILED"] : ["FAILED", "SUCCESS"] }
      })
    }
  })

  pages_arn = "arn:${local.partition}:sqs:${local.region}:${var.account_id}:${local.name}-pages"
}

# One message a page of repositories.
resource "aws_sqs_queue" "pages" {
  count = local.function ? 1 : 0

  name = "${local.name}-pages"
  # A message must not come back during its work, but soon after: the run waits for a failed page. AWS's advice
  # of six times the timeout is for batches and throttled pollers. Here a message comes alone, and max_concurrency bounds them.
  visibility_timeout_seconds = var.settings.timeout_seconds + 60
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = local.service_key == null ? true : null
  kms_master_key_id          = local.service_key
  redrive_policy             = jsonencode({ deadLetterTargetArn = module.function[0].dead_letters.arn, maxReceiveCount = 5 })
  tags                       = var.tags

  # Written where the queue is: a resource of its own makes Terraform wait half a minute more.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = local.pages_arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_lambda_event_source_mapping" "pages" {
  count = local.function ? 1 : 0

  event_source_arn = aws_sqs_queue.pages[0].arn
  function_name    = module.function[0].arn
  # A page is minutes of work: two in one call would only make the second late.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = var.tags

  scaling_config {
    maximum_concurrency = var.settings.max_concurrency
  }
}

################################################################################
# What it may do
################################################################################

locals {
  # What it changes: the expire actions of the retention, and native policies. Its own go when they are no longer asked for.
  changes = distinct(concat(
    [
      for rule in concat([var.settings.retention], var.settings.retention.overrides) :
      coalesce(rule.expire_action, var.settings.retention.expire_action) == "archive" ? "ecr:UpdateImageStorageClass" : "ecr:BatchDeleteImage"
    ],
    ["ecr:DeleteLifecyclePolicy"],
    var.settings.native_policy == "" ? [] : ["ecr:PutLifecyclePolicy"],
  ))

  # ARNs are put together here, and not taken from the resources. So the policy and its length are known before anything is made.
  statements = [
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
      Resource = [local.pages_arn]
    },
  ]
}
