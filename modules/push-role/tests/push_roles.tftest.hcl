mock_provider "aws" {
  source = "../mocks"
}

variables {
  cluster_name = "demo"
  push_roles = {
    builder = {
      repositories      = ["team/app", "team/base", "team/app"]
      oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
      subjects          = ["system:serviceaccount:ci:builder"]
    }
  }
}

################################################################################
# What is made
################################################################################

run "a_role_pushes_to_its_repositories_and_nowhere_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.push["builder"].policy) == {
      Version = "2012-10-17"
      Statement = [
        { Sid = "Login", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = "*" },
        {
          Sid    = "Push"
          Effect = "Allow"
          Action = [
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
          ]
          Resource = ["arn:aws:ecr:eu-west-1:111122223333:repository/team/app", "arn:aws:ecr:eu-west-1:111122223333:repository/team/base"]
        },
      ]
    }
    error_message = "The login and the seven actions of a push, on the named repositories."
  }
}

run "a_named_service_account_is_compared_exactly" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.this["builder"].assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "ServiceAccountsOfTheIssuer"
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
        Action    = ["sts:AssumeRoleWithWebIdentity"]
        Condition = {
          StringEquals = {
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" = ["sts.amazonaws.com"]
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" = ["system:serviceaccount:ci:builder"]
          }
        }
      }]
    }
    error_message = "One issuer, audience and subject, by StringEquals."
  }
}

run "one_wildcard_puts_all_subjects_under_string_like" {
  command = plan

  variables {
    push_roles = {
      builder = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.op1.openshiftapps.com/abc"
        subjects          = ["system:serviceaccount:release:signer", "system:serviceaccount:ci:*"]
        audiences         = ["openshift", "sts.amazonaws.com"]
      }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role.this["builder"].assume_role_policy).Statement[0].Condition == {
      StringEquals = { "oidc.op1.openshiftapps.com/abc:aud" = ["openshift", "sts.amazonaws.com"] }
      StringLike   = { "oidc.op1.openshiftapps.com/abc:sub" = ["system:serviceaccount:ci:*", "system:serviceaccount:release:signer"] }
    }
    error_message = "Two operators on one key would both have to hold, so the subjects share StringLike; audiences stay exact."
  }
}

run "pod_identity_trusts_one_service_account_of_one_cluster" {
  command = apply

  variables {
    push_roles = {
      builder = {
        repositories             = ["team/app"]
        pod_identity             = { namespace = "ci", service_account = "builder" }
        permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
      }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role.this["builder"].assume_role_policy).Statement == [{
      Sid       = "OneServiceAccountOfTheCluster"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = "111122223333"
          "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:eu-west-1:111122223333:cluster/demo"
          "aws:RequestTag/kubernetes-namespace"       = "ci"
          "aws:RequestTag/kubernetes-service-account" = "builder"
        }
      }
    }]
    error_message = "The session tags of EKS Pod Identity name cluster, namespace and service account."
  }
  assert {
    condition = (
      aws_eks_pod_identity_association.this["builder"].cluster_name == "demo"
      && aws_eks_pod_identity_association.this["builder"].namespace == "ci"
      && aws_eks_pod_identity_association.this["builder"].service_account == "builder"
      && aws_eks_pod_identity_association.this["builder"].role_arn == "arn:aws:iam::111122223333:role/mocked"
    )
    error_message = "The association binds the role to the service account."
  }
  assert {
    condition     = aws_iam_role.this["builder"].permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"
    error_message = "The boundary is set."
  }
  assert {
    condition     = length(output.service_account_annotations) == 0 && keys(output.pod_identity_association_arns) == ["builder"]
    error_message = "Pod Identity needs no annotation."
  }
}

run "roles_are_given_out_with_their_annotation" {
  command = apply

  assert {
    condition     = output.role_arns == { builder = "arn:aws:iam::111122223333:role/mocked" }
    error_message = "ARNs by role name."
  }
  assert {
    condition     = output.service_account_annotations == { builder = { "eks.amazonaws.com/role-arn" = "arn:aws:iam::111122223333:role/mocked" } }
    error_message = "The annotation is ready to be pasted."
  }
  assert {
    condition     = length(aws_eks_pod_identity_association.this) == 0
    error_message = "IRSA needs no association."
  }
}

run "a_central_registry_in_another_partition_region_and_account" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov", dns_suffix = "amazonaws.com", reverse_dns_prefix = "com.amazonaws" }
  }
  variables {
    registry_account_id = "444444444444"
    registry_region     = "us-gov-east-1"
    push_roles = {
      github = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws-us-gov:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
        subjects          = ["repo:example/app:ref:refs/heads/main"]
      }
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.push["github"].policy).Statement[1].Resource == ["arn:aws-us-gov:ecr:us-gov-east-1:444444444444:repository/team/app"]
    error_message = "The repositories are those of the registry that is pushed to."
  }
}

run "no_roles_make_nothing" {
  command = plan

  variables {
    cluster_name = null
    push_roles   = {}
  }

  assert {
    condition     = length(aws_iam_role.this) == 0 && length(output.role_arns) == 0
    error_message = "An empty map makes nothing."
  }
}

################################################################################
# What is refused
################################################################################

run "refuses_a_role_name_with_a_slash" {
  command = plan
  variables {
    push_roles = {
      "ci/builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_role_that_nobody_can_assume" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories = ["team/app"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_role_assumed_in_both_ways" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
        pod_identity      = { namespace = "ci", service_account = "builder" }
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_role_without_repositories" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = []
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_wildcard_among_repositories" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/*"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_provider_that_is_a_url" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "https://oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_irsa_without_subjects" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = []
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_subjects_with_pod_identity" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories = ["team/app"]
        subjects     = ["system:serviceaccount:ci:builder"]
        pod_identity = { namespace = "ci", service_account = "builder" }
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_any_subject" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["*"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_any_namespace" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:*:builder"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_wildcard_inside_a_namespace" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:c*:b"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_wildcard_inside_an_owner" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["repo:m*"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_variable_of_iam" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["repo:$${aws:RequestTag/owner}/app:x"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_boundaries_by_a_pattern" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories             = ["team/app"]
        oidc_provider_arn        = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects                 = ["repo:example/app:x"]
        permissions_boundary_arn = "arn:aws:iam::111122223333:policy/b*"
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "takes_wildcards_below_a_whole_owner" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["repo:example/*", "repository_owner:example:*", "system:serviceaccount:ci:*"]
      }
    }
  }
}

run "refuses_a_wildcard_that_hides_the_kind_of_subject" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["sys*"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_any_owner_of_a_repository" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["repo:*"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_no_audience" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
        audiences         = []
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_any_audience" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
        audiences         = ["*"]
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_any_service_account_by_pod_identity" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories = ["team/app"]
        pod_identity = { namespace = "ci", service_account = "*" }
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_a_boundary_that_is_a_role" {
  command = plan
  variables {
    push_roles = {
      "builder" = {
        repositories             = ["team/app"]
        oidc_provider_arn        = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects                 = ["system:serviceaccount:ci:builder"]
        permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
      }
    }
  }
  expect_failures = [var.push_roles]
}

run "refuses_pod_identity_without_a_cluster" {
  command = plan
  variables {
    cluster_name = null
    push_roles = {
      "builder" = {
        repositories = ["team/app"]
        pod_identity = { namespace = "ci", service_account = "builder" }
      }
    }
  }
  expect_failures = [var.cluster_name]
}

run "refuses_a_registry_that_is_no_account" {
  command = plan
  variables {
    registry_account_id = "12345"
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.registry_account_id]
}

run "refuses_a_registry_in_a_zone" {
  command = plan
  variables {
    registry_region = "eu-west-1a"
    push_roles = {
      "builder" = {
        repositories      = ["team/app"]
        oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/abc"
        subjects          = ["system:serviceaccount:ci:builder"]
      }
    }
  }
  expect_failures = [var.registry_region]
}
