mock_provider "aws" {
  source = "../mocks"
}

variables {
  cluster_name         = "demo"
  create_vpc_endpoints = false
}

run "untagged_images_expire_and_a_number_of_all_is_kept" {
  command = plan

  assert {
    condition = jsondecode(aws_ecr_lifecycle_policy.this["demo-registry"].policy) == {
      rules = [
        {
          rulePriority = 1
          description  = "Expire untagged images 14 days after their push"
          selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
          action       = { type = "expire" }
        },
        {
          rulePriority = 2
          description  = "Keep 30 images"
          selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
          action       = { type = "expire" }
        },
      ]
    }
    error_message = "Two rules: untagged after 14 days; 30 kept over all tags, with the highest priority number."
  }
}

run "no_policy_when_switched_off" {
  command = plan

  variables {
    lifecycle_policy_enabled = false
    repositories             = { "team/app" = { lifecycle_policy_enabled = true } }
  }

  assert {
    condition     = keys(aws_ecr_lifecycle_policy.this) == ["team/app"]
    error_message = "Only the repository that asks for a policy has one."
  }
}

################################################################################
# A policy of one's own
################################################################################

run "policies_that_ecr_takes_pass" {
  command = plan

  variables {
    create_repository = false
    repositories = {
      "one-any-rule" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "prefixes" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPrefixList = ["v", "release-"] }, action = { type = "expire" } },
        ] })
      }
      "patterns-with-four-wildcards" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["*a*b*c*"] }, action = { type = "expire" } },
        ] })
      }
      "any-last-of-several" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 9, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["v*"] }, action = { type = "expire" } },
          { rulePriority = 3, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "untagged", countType = "sinceImagePushed", countNumber = 5, countUnit = "days" }, action = { type = "expire" } },
        ] })
      }
      "archive-what-is-not-pulled-then-expire" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePulled", countNumber = 30, countUnit = "days" }, action = { type = "transition", targetStorageClass = "archive" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImageTransitioned", countNumber = 90, countUnit = "days", storageClass = "archive" }, action = { type = "expire" } },
        ] })
      }
      "any-before-archived-tags" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "sinceImageTransitioned", countNumber = 90, tagPatternList = ["v*"], countUnit = "days", storageClass = "archive" }, action = { type = "expire" } },
        ] })
      }
      "count-to-archive" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "transition", targetStorageClass = "archive" } },
        ] })
      }
      "storage-class-standard" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5, storageClass = "standard" }, action = { type = "expire" } },
        ] })
      }
      "no-description" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["release-candidate-*"] }, action = { type = "expire" } },
        ] })
      }
      "fifty-rules" = {
        lifecycle_policy = jsonencode({ rules = [
          for priority in range(1, 51) : {
            rulePriority = priority
            selection    = { tagStatus = "tagged", tagPatternList = ["v${priority}-*"], countType = "imageCountMoreThan", countNumber = 1 }
            action       = { type = "expire" }
          }
        ] })
      }
    }
  }

  assert {
    condition     = alltrue([for name, own in var.repositories : jsondecode(aws_ecr_lifecycle_policy.this[name].policy) == jsondecode(own.lifecycle_policy)])
    error_message = "Each policy reaches its repository as given."
  }
}

run "the_modules_policy_serves_repositories_without_one" {
  command = plan

  variables {
    lifecycle_policy = jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 77 }, action = { type = "expire" } }] })
    repositories = {
      "team/app" = { lifecycle_policy = jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 88 }, action = { type = "expire" } }] }) }
    }
  }

  assert {
    condition = (
      jsondecode(aws_ecr_lifecycle_policy.this["demo-registry"].policy).rules[0].selection.countNumber == 77
      && jsondecode(aws_ecr_lifecycle_policy.this["team/app"].policy).rules[0].selection.countNumber == 88
    )
    error_message = "A repository's own policy wins over the module's."
  }
}

run "refuses_a_policy_that_ecr_refuses" {
  command = plan

  variables {
    lifecycle_policy = jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePulled", countNumber = 30, countUnit = "days" }, action = { type = "expire" } }] })
  }

  expect_failures = [aws_ecr_lifecycle_policy.this]
}

run "refuses_a_repositorys_policy_that_is_not_json" {
  command = plan

  variables {
    repositories = { "team/app" = { lifecycle_policy = "expire everything" } }
  }

  expect_failures = [aws_ecr_lifecycle_policy.this]
}

# The policies are switched off here, so that what is wrong with each can be read instead of failing the run.
run "each_wrong_policy_is_told_what_is_wrong" {
  command = plan

  variables {
    create_repository        = false
    lifecycle_policy_enabled = false
    repositories = {
      "two-rules-with-one-priority" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["v*"] }, action = { type = "expire" } },
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["w*"] }, action = { type = "expire" } },
        ] })
      }
      "any-before-tagged" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["v*"] }, action = { type = "expire" } },
        ] })
      }
      "two-untagged-rules" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "untagged", countType = "sinceImagePushed", countNumber = 5, countUnit = "days" }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "two-rules-for-the-same-tags" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["a*", "b*"] }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["b*", "a*"] }, action = { type = "expire" } },
        ] })
      }
      "a-tag-with-a-slash" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPrefixList = ["team/"] }, action = { type = "expire" } },
        ] })
      }
      "a-prefix-with-a-wildcard" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPrefixList = ["v*"] }, action = { type = "expire" } },
        ] })
      }
      "two-any-rules" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePushed", countNumber = 5, countUnit = "days" }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "expire-by-pull-time" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePulled", countNumber = 5, countUnit = "days" }, action = { type = "expire" } },
        ] })
      }
      "two-any-rules-and-expiry-by-pull-time" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePulled", countNumber = 30, countUnit = "days" }, action = { type = "expire" } },
          { rulePriority = 2, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }, action = { type = "expire" } },
        ] })
      }
      "transition-of-archived-images" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImageTransitioned", countNumber = 90, countUnit = "days", storageClass = "archive" }, action = { type = "transition", targetStorageClass = "archive" } },
        ] })
      }
      "archived-too-short" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImageTransitioned", countNumber = 89, countUnit = "days", storageClass = "archive" }, action = { type = "expire" } },
        ] })
      }
      "transitioned-without-archive" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImageTransitioned", countNumber = 90, countUnit = "days" }, action = { type = "expire" } },
        ] })
      }
      "archive-without-transitioned" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePushed", countNumber = 90, countUnit = "days", storageClass = "archive" }, action = { type = "expire" } },
        ] })
      }
      "unknown-storage-class" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5, storageClass = "glacier" }, action = { type = "expire" } },
        ] })
      }
      "unknown-count-type" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageAge", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "no-count-type" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "unknown-action" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "delete" } },
        ] })
      }
      "no-action" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 } },
        ] })
      }
      "transition-to-nowhere" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "transition" } },
        ] })
      }
      "expire-into-a-class" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire", targetStorageClass = "archive" } },
        ] })
      }
      "count-with-a-unit" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5, countUnit = "days" }, action = { type = "expire" } },
        ] })
      }
      "age-without-a-unit" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePushed", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "age-in-weeks" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "sinceImagePushed", countNumber = 5, countUnit = "weeks" }, action = { type = "expire" } },
        ] })
      }
      "count-of-nothing" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 0 }, action = { type = "expire" } },
        ] })
      }
      "count-in-text" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = "5" }, action = { type = "expire" } },
        ] })
      }
      "no-count" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan" }, action = { type = "expire" } },
        ] })
      }
      "priority-zero" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 0, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "no-priority" = {
        lifecycle_policy = jsonencode({ rules = [
          { description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "tagged-without-tags" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "patterns-and-prefixes" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["v*"], tagPrefixList = ["v"] }, action = { type = "expire" } },
        ] })
      }
      "untagged-with-a-prefix" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 5, tagPrefixList = ["v"] }, action = { type = "expire" } },
        ] })
      }
      "any-with-a-pattern" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["v*"] }, action = { type = "expire" } },
        ] })
      }
      "no-tags-in-the-list" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = [] }, action = { type = "expire" } },
        ] })
      }
      "a-tag-that-is-a-number" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPrefixList = [1] }, action = { type = "expire" } },
        ] })
      }
      "a-text-in-place-of-the-list" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = "v*" }, action = { type = "expire" } },
        ] })
      }
      "an-empty-tag" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = [""] }, action = { type = "expire" } },
        ] })
      }
      "null-everywhere" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = null, description = null, selection = { tagStatus = null, tagPatternList = null, storageClass = null, countType = null, countUnit = null, countNumber = null }, action = { type = null, targetStorageClass = null } },
        ] })
      }
      "five-wildcards" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "tagged", countType = "imageCountMoreThan", countNumber = 5, tagPatternList = ["*a*b*c*d*"] }, action = { type = "expire" } },
        ] })
      }
      "unknown-tag-status" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "all", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "a-misspelt-selection" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5, tagStatuses = "any" }, action = { type = "expire" } },
        ] })
      }
      "a-misspelt-rule" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" }, priority = 2 },
        ] })
      }
      "a-misspelt-action" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire", storageClass = "archive" } },
        ] })
      }
      "a-description-that-is-a-number" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = 5, selection = { tagStatus = "tagged", tagPatternList = ["release-candidate-*"], countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ] })
      }
      "a-key-beside-rules" = {
        lifecycle_policy = jsonencode({ rules = [
          { rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } },
        ], version = 1 })
      }
      "a-fraction-of-none" = {
        lifecycle_policy = replace(jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } }] }), "\"countNumber\":5", "\"countNumber\": 5.0")
      }
      "an-exponent" = {
        lifecycle_policy = replace(jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } }] }), "\"rulePriority\":1", "\"rulePriority\":1e0")
      }
      "a-key-twice" = {
        lifecycle_policy = replace(jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } }] }), "\"tagStatus\":", "\"tagStatus\":\"tagged\",\"tagStatus\":")
      }
      "a-key-twice-with-two-types" = {
        lifecycle_policy = replace(jsonencode({ rules = [{ rulePriority = 1, description = "A description that makes the text long enough for ECR, which refuses less than 100 characters", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }, action = { type = "expire" } }] }), "{\"rules\":", "{\"rules\":[],\"rules\":")
      }
      "not-json"        = { lifecycle_policy = "{" }
      "no-rules"        = { lifecycle_policy = jsonencode({ rules = [] }) }
      "texts-for-rules" = { lifecycle_policy = jsonencode({ rules = ["a text in place of a rule, padded until it is long enough for ECR, which refuses less than a hundred"] }) }
      "rules-by-name"   = { lifecycle_policy = jsonencode({ rules = { "0" = "an object in place of the list, padded until it is long enough for ECR, which refuses less than a hundred" } }) }
      "not-rules"       = { lifecycle_policy = jsonencode({ rules = "none" }) }
      "a-list"          = { lifecycle_policy = jsonencode(["rules"]) }
      "fifty-one-rules" = {
        lifecycle_policy = jsonencode({ rules = [
          for priority in range(1, 52) : {
            rulePriority = priority
            selection    = { tagStatus = "tagged", tagPatternList = ["v${priority}-*"], countType = "imageCountMoreThan", countNumber = 1 }
            action       = { type = "expire" }
          }
        ] })
      }
      "too-long" = {
        lifecycle_policy = jsonencode({ rules = [{
          rulePriority = 1
          description  = join("", [for i in range(1024) : "thirty letters without meaning"])
          selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }
          action       = { type = "expire" }
        }] })
      }
    }
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-fraction-of-none"]) == jsonencode(["has a rulePriority or countNumber that is not written as a whole number; ECR takes 5, and neither 5.0 nor 5e0"])
    error_message = "a-fraction-of-none: ${join("; ", local.policy_problems_by_repository["a-fraction-of-none"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["an-exponent"]) == jsonencode(["has a rulePriority or countNumber that is not written as a whole number; ECR takes 5, and neither 5.0 nor 5e0"])
    error_message = "an-exponent: ${join("; ", local.policy_problems_by_repository["an-exponent"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-key-twice"]) == jsonencode(["has an object with \"tagStatus\" more than once"])
    error_message = "a-key-twice: ${join("; ", local.policy_problems_by_repository["a-key-twice"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-key-twice-with-two-types"]) == jsonencode(["is not JSON, or an object in it has a key twice"])
    error_message = "a-key-twice-with-two-types: ${join("; ", local.policy_problems_by_repository["a-key-twice-with-two-types"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["two-rules-with-one-priority"]) == jsonencode(["has 2 rules with rulePriority 1; each needs its own"])
    error_message = "two-rules-with-one-priority: ${join("; ", local.policy_problems_by_repository["two-rules-with-one-priority"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["any-before-tagged"]) == jsonencode(["has tagStatus any with rulePriority 1, which is not the highest"])
    error_message = "any-before-tagged: ${join("; ", local.policy_problems_by_repository["any-before-tagged"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["two-untagged-rules"]) == jsonencode(["has more than one rule with tagStatus untagged for standard storage"])
    error_message = "two-untagged-rules: ${join("; ", local.policy_problems_by_repository["two-untagged-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["two-rules-for-the-same-tags"]) == jsonencode(["has rules (rulePriority 1, 2) for the same tags; each needs its own"])
    error_message = "two-rules-for-the-same-tags: ${join("; ", local.policy_problems_by_repository["two-rules-for-the-same-tags"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-tag-with-a-slash"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "a-tag-with-a-slash: ${join("; ", local.policy_problems_by_repository["a-tag-with-a-slash"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-prefix-with-a-wildcard"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "a-prefix-with-a-wildcard: ${join("; ", local.policy_problems_by_repository["a-prefix-with-a-wildcard"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["two-any-rules"]) == jsonencode(["has more than one rule with tagStatus any for standard storage"])
    error_message = "two-any-rules: ${join("; ", local.policy_problems_by_repository["two-any-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["expire-by-pull-time"]) == jsonencode(["has a rule (rulePriority 1) with countType sinceImagePulled and action expire; ECR takes only transition"])
    error_message = "expire-by-pull-time: ${join("; ", local.policy_problems_by_repository["expire-by-pull-time"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["two-any-rules-and-expiry-by-pull-time"]) == jsonencode(["has more than one rule with tagStatus any for standard storage", "has a rule (rulePriority 1) with countType sinceImagePulled and action expire; ECR takes only transition"])
    error_message = "two-any-rules-and-expiry-by-pull-time: ${join("; ", local.policy_problems_by_repository["two-any-rules-and-expiry-by-pull-time"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["transition-of-archived-images"]) == jsonencode(["has a rule (rulePriority 1) with countType sinceImageTransitioned and action transition; ECR takes only expire"])
    error_message = "transition-of-archived-images: ${join("; ", local.policy_problems_by_repository["transition-of-archived-images"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["archived-too-short"]) == jsonencode(["has a rule (rulePriority 1) that expires archived images after 89 days; they stay 90 days at least"])
    error_message = "archived-too-short: ${join("; ", local.policy_problems_by_repository["archived-too-short"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["transitioned-without-archive"]) == jsonencode(["has a rule (rulePriority 1) in which storageClass archive and countType sinceImageTransitioned do not go together"])
    error_message = "transitioned-without-archive: ${join("; ", local.policy_problems_by_repository["transitioned-without-archive"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["archive-without-transitioned"]) == jsonencode(["has a rule (rulePriority 1) in which storageClass archive and countType sinceImageTransitioned do not go together"])
    error_message = "archive-without-transitioned: ${join("; ", local.policy_problems_by_repository["archive-without-transitioned"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["unknown-storage-class"]) == jsonencode(["has a rule (rulePriority 1) whose selection.storageClass is not standard or archive"])
    error_message = "unknown-storage-class: ${join("; ", local.policy_problems_by_repository["unknown-storage-class"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["unknown-count-type"]) == jsonencode(["has a rule (rulePriority 1) whose selection.countType is none of imageCountMoreThan, sinceImagePulled, sinceImagePushed, sinceImageTransitioned"])
    error_message = "unknown-count-type: ${join("; ", local.policy_problems_by_repository["unknown-count-type"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-count-type"]) == jsonencode(["has a rule (rulePriority 1) whose selection.countType is none of imageCountMoreThan, sinceImagePulled, sinceImagePushed, sinceImageTransitioned"])
    error_message = "no-count-type: ${join("; ", local.policy_problems_by_repository["no-count-type"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["unknown-action"]) == jsonencode(["has a rule (rulePriority 1) whose action.type is not expire or transition"])
    error_message = "unknown-action: ${join("; ", local.policy_problems_by_repository["unknown-action"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-action"]) == jsonencode(["has a rule (rulePriority 1) whose action.type is not expire or transition"])
    error_message = "no-action: ${join("; ", local.policy_problems_by_repository["no-action"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["transition-to-nowhere"]) == jsonencode(["has a rule (rulePriority 1) with action transition and no targetStorageClass \"archive\""])
    error_message = "transition-to-nowhere: ${join("; ", local.policy_problems_by_repository["transition-to-nowhere"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["expire-into-a-class"]) == jsonencode(["has a rule (rulePriority 1) with action expire and a targetStorageClass"])
    error_message = "expire-into-a-class: ${join("; ", local.policy_problems_by_repository["expire-into-a-class"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["count-with-a-unit"]) == jsonencode(["has a rule (rulePriority 1) with countUnit, which imageCountMoreThan does not take"])
    error_message = "count-with-a-unit: ${join("; ", local.policy_problems_by_repository["count-with-a-unit"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["age-without-a-unit"]) == jsonencode(["has a rule (rulePriority 1) with countType sinceImagePushed and no countUnit \"days\""])
    error_message = "age-without-a-unit: ${join("; ", local.policy_problems_by_repository["age-without-a-unit"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["age-in-weeks"]) == jsonencode(["has a rule (rulePriority 1) with countType sinceImagePushed and no countUnit \"days\""])
    error_message = "age-in-weeks: ${join("; ", local.policy_problems_by_repository["age-in-weeks"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["count-of-nothing"]) == jsonencode(["has a rule (rulePriority 1) whose selection.countNumber is not a whole number from 1"])
    error_message = "count-of-nothing: ${join("; ", local.policy_problems_by_repository["count-of-nothing"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["count-in-text"]) == jsonencode(["has a rule (rulePriority 1) whose selection.countNumber is not a whole number from 1"])
    error_message = "count-in-text: ${join("; ", local.policy_problems_by_repository["count-in-text"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-count"]) == jsonencode(["has a rule (rulePriority 1) whose selection.countNumber is not a whole number from 1"])
    error_message = "no-count: ${join("; ", local.policy_problems_by_repository["no-count"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["priority-zero"]) == jsonencode(["has a rule (rulePriority 0) whose rulePriority is not a whole number from 1"])
    error_message = "priority-zero: ${join("; ", local.policy_problems_by_repository["priority-zero"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-priority"]) == jsonencode(["has a rule (rulePriority null) whose rulePriority is not a whole number from 1"])
    error_message = "no-priority: ${join("; ", local.policy_problems_by_repository["no-priority"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["tagged-without-tags"]) == jsonencode(["has a rule (rulePriority 1) with tagStatus tagged, which needs one of tagPatternList and tagPrefixList"])
    error_message = "tagged-without-tags: ${join("; ", local.policy_problems_by_repository["tagged-without-tags"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["patterns-and-prefixes"]) == jsonencode(["has a rule (rulePriority 1) with tagStatus tagged, which needs one of tagPatternList and tagPrefixList"])
    error_message = "patterns-and-prefixes: ${join("; ", local.policy_problems_by_repository["patterns-and-prefixes"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["untagged-with-a-prefix"]) == jsonencode(["has a rule (rulePriority 1) with tagPatternList or tagPrefixList, which only tagStatus tagged takes"])
    error_message = "untagged-with-a-prefix: ${join("; ", local.policy_problems_by_repository["untagged-with-a-prefix"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["any-with-a-pattern"]) == jsonencode(["has a rule (rulePriority 1) with tagPatternList or tagPrefixList, which only tagStatus tagged takes"])
    error_message = "any-with-a-pattern: ${join("; ", local.policy_problems_by_repository["any-with-a-pattern"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-tags-in-the-list"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "no-tags-in-the-list: ${join("; ", local.policy_problems_by_repository["no-tags-in-the-list"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-tag-that-is-a-number"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "a-tag-that-is-a-number: ${join("; ", local.policy_problems_by_repository["a-tag-that-is-a-number"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-text-in-place-of-the-list"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "a-text-in-place-of-the-list: ${join("; ", local.policy_problems_by_repository["a-text-in-place-of-the-list"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["an-empty-tag"]) == jsonencode(["has a rule (rulePriority 1) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "an-empty-tag: ${join("; ", local.policy_problems_by_repository["an-empty-tag"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["null-everywhere"]) == jsonencode(["has a rule (rulePriority null) whose action.type is not expire or transition", "has a rule (rulePriority null) whose description is not text", "has a rule (rulePriority null) whose rulePriority is not a whole number from 1", "has a rule (rulePriority null) whose selection.countNumber is not a whole number from 1", "has a rule (rulePriority null) whose selection.countType is none of imageCountMoreThan, sinceImagePulled, sinceImagePushed, sinceImageTransitioned", "has a rule (rulePriority null) whose selection.storageClass is not standard or archive", "has a rule (rulePriority null) whose selection.tagStatus is not tagged, untagged or any", "has a rule (rulePriority null) whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)"])
    error_message = "null-everywhere: ${join("; ", local.policy_problems_by_repository["null-everywhere"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["five-wildcards"]) == jsonencode(["has a rule (rulePriority 1) with a tag pattern of more than four wildcards"])
    error_message = "five-wildcards: ${join("; ", local.policy_problems_by_repository["five-wildcards"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["unknown-tag-status"]) == jsonencode(["has a rule (rulePriority 1) whose selection.tagStatus is not tagged, untagged or any"])
    error_message = "unknown-tag-status: ${join("; ", local.policy_problems_by_repository["unknown-tag-status"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-misspelt-selection"]) == jsonencode(["has a rule (rulePriority 1) with unknown selection.tagStatuses"])
    error_message = "a-misspelt-selection: ${join("; ", local.policy_problems_by_repository["a-misspelt-selection"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-misspelt-rule"]) == jsonencode(["has a rule (rulePriority 1) with unknown priority"])
    error_message = "a-misspelt-rule: ${join("; ", local.policy_problems_by_repository["a-misspelt-rule"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-misspelt-action"]) == jsonencode(["has a rule (rulePriority 1) with unknown action.storageClass"])
    error_message = "a-misspelt-action: ${join("; ", local.policy_problems_by_repository["a-misspelt-action"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-description-that-is-a-number"]) == jsonencode(["has a rule (rulePriority 1) whose description is not text"])
    error_message = "a-description-that-is-a-number: ${join("; ", local.policy_problems_by_repository["a-description-that-is-a-number"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-key-beside-rules"]) == jsonencode(["has \"version\" beside \"rules\""])
    error_message = "a-key-beside-rules: ${join("; ", local.policy_problems_by_repository["a-key-beside-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["not-json"]) == jsonencode(["has 1 characters; ECR takes 100 to 30720", "is not JSON, or an object in it has a key twice"])
    error_message = "not-json: ${join("; ", local.policy_problems_by_repository["not-json"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["no-rules"]) == jsonencode(["has 12 characters; ECR takes 100 to 30720", "has no list of rules under \"rules\""])
    error_message = "no-rules: ${join("; ", local.policy_problems_by_repository["no-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["not-rules"]) == jsonencode(["has 16 characters; ECR takes 100 to 30720", "has no list of rules under \"rules\""])
    error_message = "not-rules: ${join("; ", local.policy_problems_by_repository["not-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["texts-for-rules"]) == jsonencode(["has a rule (rulePriority null) whose action.type is not expire or transition", "has a rule (rulePriority null) whose rulePriority is not a whole number from 1", "has a rule (rulePriority null) whose selection.countNumber is not a whole number from 1", "has a rule (rulePriority null) whose selection.countType is none of imageCountMoreThan, sinceImagePulled, sinceImagePushed, sinceImageTransitioned", "has a rule (rulePriority null) whose selection.tagStatus is not tagged, untagged or any"])
    error_message = "texts-for-rules: ${join("; ", local.policy_problems_by_repository["texts-for-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["rules-by-name"]) == jsonencode(["has no list of rules under \"rules\""])
    error_message = "rules-by-name: ${join("; ", local.policy_problems_by_repository["rules-by-name"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["a-list"]) == jsonencode(["has 9 characters; ECR takes 100 to 30720", "has no list of rules under \"rules\""])
    error_message = "a-list: ${join("; ", local.policy_problems_by_repository["a-list"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["fifty-one-rules"]) == jsonencode(["has 51 rules; ECR takes 50"])
    error_message = "fifty-one-rules: ${join("; ", local.policy_problems_by_repository["fifty-one-rules"])}"
  }

  assert {
    condition     = jsonencode(local.policy_problems_by_repository["too-long"]) == jsonencode(["has 30875 characters; ECR takes 100 to 30720"])
    error_message = "too-long: ${join("; ", local.policy_problems_by_repository["too-long"])}"
  }
}
