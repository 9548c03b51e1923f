mock_provider "aws" {
  source = "../mocks"

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:mocked" }
  }
}

variables {
  account_id = "111122223333"
  name       = "ecr-mirror-dev"
  prefixes   = ["redhat", "nvidia", "redhat"]
}

run "queue_and_table_without_a_cluster" {
  assert {
    condition     = output.queue.name == "ecr-mirror-dev" && output.dead_letters.name == "ecr-mirror-dev-dead-letters" && output.table_name == "ecr-mirror-dev"
    error_message = "orchestrator finds them by these names"
  }

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "job" && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.this.ttl[0].attribute_name == "expires"
    error_message = "orchestrator writes items by job, which expire"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 20
    error_message = "a message that nobody ends would go round for ever"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.this, aws_sqs_queue.dead] : queue.sqs_managed_sse_enabled && jsondecode(queue.policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }])
    error_message = "encrypted at rest and on the way"
  }

  assert {
    condition     = output.worker_role_arn == null && length(aws_eks_pod_identity_association.workers) == 0
    error_message = "nobody asked for a role"
  }
}

run "a_worker_fills_repositories_below_the_prefixes_and_deletes_nothing" {
  assert {
    condition = { for statement in jsondecode(output.worker_policy).Statement : statement.Sid => statement.Resource } == {
      Queue        = ["arn:aws:sqs:eu-west-1:111122223333:ecr-mirror-dev"]
      DeadLetters  = ["arn:aws:sqs:eu-west-1:111122223333:ecr-mirror-dev-dead-letters"]
      Table        = ["arn:aws:dynamodb:eu-west-1:111122223333:table/ecr-mirror-dev"]
      Registry     = ["*"]
      Repositories = ["arn:aws:ecr:eu-west-1:111122223333:repository/nvidia/*", "arn:aws:ecr:eu-west-1:111122223333:repository/redhat/*"]
    }
    error_message = "wrong resources: ${output.worker_policy}"
  }

  assert {
    condition     = length([for action in flatten([for statement in jsondecode(output.worker_policy).Statement : statement.Action]) : action if strcontains(action, "*") || (strcontains(action, "Delete") && action != "sqs:DeleteMessage")]) == 0
    error_message = "more than a copy needs: ${output.worker_policy}"
  }
}

run "a_key_of_repositories_is_used_and_a_boundary_kept" {
  variables {
    repository_kms_key_arn   = "arn:aws:kms:eu-west-1:111122223333:key/0123"
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
    workers                  = { cluster = "dev", pod_identity = true }
  }

  assert {
    condition     = [for statement in jsondecode(output.worker_policy).Statement : statement.Resource if statement.Sid == "RepositoryKey"] == [[var.repository_kms_key_arn]]
    error_message = "ECR could not encrypt what a worker makes"
  }

  assert {
    condition     = aws_iam_role.workers["this"].permissions_boundary == var.permissions_boundary_arn && aws_iam_role_policy.workers["this"].policy == output.worker_policy
    error_message = "the role has the policy and the boundary"
  }
}

run "pod_identity_trusts_one_service_account" {
  variables {
    workers = { cluster = "dev", pod_identity = true, namespace = "images" }
  }

  assert {
    condition = jsondecode(aws_iam_role.workers["this"].assume_role_policy).Statement[0].Condition.StringEquals == {
      "aws:SourceAccount"                         = "111122223333"
      "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:eu-west-1:111122223333:cluster/dev"
      "aws:RequestTag/kubernetes-namespace"       = "images"
      "aws:RequestTag/kubernetes-service-account" = "ecr-mirror"
    }
    error_message = "other Pods could take the role"
  }

  assert {
    condition     = aws_eks_pod_identity_association.workers["this"].namespace == "images" && aws_iam_role.workers["this"].name == "ecr-mirror-dev-eu-west-1"
    error_message = "no association, or another name"
  }
}

run "irsa_trusts_one_service_account" {
  variables {
    workers = { cluster = "dev", oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A" }
  }

  assert {
    condition = jsondecode(aws_iam_role.workers["this"].assume_role_policy).Statement[0].Condition.StringEquals == {
      "oidc.example.com/id/A:aud" = "sts.amazonaws.com"
      "oidc.example.com/id/A:sub" = "system:serviceaccount:ecr-mirror:ecr-mirror"
    }
    error_message = "other service accounts could take the role"
  }

  assert {
    condition     = length(aws_eks_pod_identity_association.workers) == 0
    error_message = "IRSA needs no association"
  }
}
