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
    }
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
}

# Only what a reader misses is refused in the plan. These reach ECR, which refuses them with its own reason.
run "what_cannot_be_read_is_left_to_ecr" {
  command = plan

  variables {
    create_repository        = false
    lifecycle_policy_enabled = false
    repositories = {
      "a-list"          = { lifecycle_policy = jsonencode(["rules"]) }
      "no-rules"        = { lifecycle_policy = jsonencode({ rules = [] }) }
      "rules-by-name"   = { lifecycle_policy = jsonencode({ rules = { first = { rulePriority = 1 } } }) }
      "rules-in-a-text" = { lifecycle_policy = jsonencode({ rules = "expire everything" }) }
      "a-text-for-a-rule" = {
        lifecycle_policy = jsonencode({ rules = ["expire everything", { rulePriority = 1, selection = null, action = [] }] })
      }
      "null-everywhere" = {
        lifecycle_policy = jsonencode({ rules = [{
          rulePriority = null
          selection    = { tagStatus = null, storageClass = null, countType = null, countNumber = null }
          action       = { type = null }
        }] })
      }
    }
  }

  assert {
    condition     = alltrue([for problems in values(local.policy_problems_by_repository) : length(problems) == 0])
    error_message = jsonencode(local.policy_problems_by_repository)
  }
}
