################################################################################
# Bucket: snapshots/<name>.json, audit/, cache/, findings/, runs/
################################################################################

resource "aws_s3_bucket" "this" {
  count = var.create_bucket ? 1 : 0

  bucket        = local.bucket_name
  force_destroy = var.settings.force_destroy_records
  tags          = var.tags
}

resource "aws_s3_bucket_ownership_controls" "this" {
  count = var.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  count = var.create_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.this[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  count = var.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count = var.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    bucket_key_enabled = var.settings.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.settings.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.settings.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    id     = "audit"
    status = "Enabled"

    filter {
      prefix = "audit/"
    }

    expiration {
      days = var.settings.audit_retention_days
    }

    # What expired, and records that were written again because a call was repeated.
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  # S3 counts from when an object was last written, read or not. An index's content never changes. A cache that stays as it
  # is costs one cold run a quarter, and one of images that are gone disappears.
  rule {
    id     = "cache"
    status = "Enabled"

    filter {
      prefix = "cache/"
    }

    expiration {
      days = 90
    }
  }

  # What was reported of an image; without it the same findings would be news again.
  rule {
    id     = "findings"
    status = "Enabled"

    filter {
      prefix = "findings/"
    }

    expiration {
      days = 365
    }
  }

  # What invocations of one run leave for each other.
  rule {
    id     = "runs"
    status = "Enabled"

    filter {
      prefix = "runs/"
    }

    expiration {
      days = 30
    }
  }

  rule {
    id     = "older-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.settings.audit_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # AWS applies rules for older versions only where there are versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  count = var.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      # The account with a condition, and not the role. S3 refuses a policy with a role that is not there yet. A role
      # that is made again under its name would be another to it.
      [for cluster, arn in var.settings.snapshot_writers : {
        Sid       = "Writer${substr(sha256(cluster), 0, 16)}"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${split(":", arn)[4]}:root" }
        Action    = "s3:PutObject"
        Resource  = "${local.bucket_arn}/snapshots/${cluster}.json"
        Condition = { ArnEquals = { "aws:PrincipalArn" = arn } }
      }],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}
