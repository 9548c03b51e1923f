mock_provider "aws" {
  source = "../mocks"

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:mocked" }
  }
}

variables {
  account_id = "111122223333"
  name       = "ecr-swapper-dev"
  prefixes   = ["redhat", "nvidia", "redhat"]
}

run "queues_and_table_without_a_cluster" {
  assert {
    condition     = output.queue.name == "ecr-swapper-dev" && output.dead_letters.name == "ecr-swapper-dev-dead-letters" && output.deletions.name == "ecr-swapper-dev-deletions" && output.table_name == "ecr-swapper-dev"
    error_message = "orchestrator finds them by these names"
  }

  assert {
    condition     = output.role_arn == null && length(aws_iam_role_policy.deletions) == 0
    error_message = "nobody asked for a role"
  }

  assert {
    condition     = aws_sqs_queue.deletions.message_retention_seconds == 3600 && aws_sqs_queue.deletions.sqs_managed_sse_enabled
    error_message = "an event of yesterday would cost looks, and messages lie in the clear"
  }
}

run "only_deletions_below_the_prefixes_are_told" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.deletions.event_pattern) == {
      source        = ["aws.ecr"]
      "detail-type" = ["ECR Image Action"]
      detail = {
        "action-type"     = ["DELETE"]
        result            = ["SUCCESS"]
        "repository-name" = [{ prefix = "nvidia/" }, { prefix = "redhat/" }]
      }
    }
    error_message = "wrong events: ${aws_cloudwatch_event_rule.deletions.event_pattern}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.deletions.policy).Statement[1].Condition == { ArnEquals = { "aws:SourceArn" = "arn:aws:events:eu-west-1:111122223333:rule/ecr-swapper-dev-deletions" } }
    error_message = "others could write into the queue: ${aws_sqs_queue.deletions.policy}"
  }
}

run "without_prefixes_every_deletion_is_told" {
  variables {
    prefixes = []
  }

  assert {
    condition     = keys(jsondecode(aws_cloudwatch_event_rule.deletions.event_pattern).detail) == ["action-type", "result"]
    error_message = "a pattern with an empty list is refused by EventBridge"
  }
}

run "a_replica_deletes_no_image" {
  variables {
    pods = { cluster = "dev", pod_identity = true }
  }

  assert {
    condition     = { for statement in jsondecode(output.policy).Statement : statement.Sid => statement.Resource }.Deletions == ["arn:aws:sqs:eu-west-1:111122223333:ecr-swapper-dev-deletions"]
    error_message = "wrong resources: ${output.policy}"
  }

  assert {
    condition     = length([for action in flatten([for statement in jsondecode(output.policy).Statement : statement.Action]) : action if strcontains(action, "*") || (strcontains(action, "Delete") && action != "sqs:DeleteMessage")]) == 0
    error_message = "more than the webhook needs: ${output.policy}"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.deletions[0].policy).Statement[0].Action == ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    error_message = "the role cannot hear of deletions"
  }
}

run "rights_for_lifecycle_policies_and_first_pulls_are_given_where_they_are_wanted" {
  variables {
    lifecycle_policies  = true
    first_pull_prefixes = ["quay", "ROOT"]
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(output.policy).Statement : statement.Action]), "ecr:PutLifecyclePolicy")
    error_message = "a lifecycle policy could not be put: ${output.policy}"
  }

  assert {
    condition     = { for statement in jsondecode(output.policy).Statement : statement.Sid => statement.Resource }.FirstPulls == ["arn:aws:ecr:eu-west-1:111122223333:repository/*", "arn:aws:ecr:eu-west-1:111122223333:repository/quay/*"]
    error_message = "wrong repositories: ${output.policy}"
  }
}

run "without_them_no_right_is_left_over" {
  assert {
    condition     = length(setintersection(flatten([for statement in jsondecode(output.policy).Statement : statement.Action]), ["ecr:PutLifecyclePolicy", "ecr:BatchImportUpstreamImage"])) == 0
    error_message = "nobody asked for it: ${output.policy}"
  }
}
