# What the module makes of its input.

mock_provider "aws" {
  source = "../mocks"

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

run "nothing_is_made_of_no_rules" {
  command = plan

  assert {
    condition     = length(aws_ecr_pull_through_cache_rule.this) + length(aws_ecr_repository_creation_template.this) + length(data.aws_secretsmanager_secret.this) == 0
    error_message = "no rules, yet something is made or looked up"
  }
}

run "govcloud_pulls_through_from_its_own_registries" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  variables {
    rules = {
      central = { upstream_registry_url = "444455556666.dkr.ecr.us-gov-west-1.amazonaws.com", custom_role_arn = "arn:aws-us-gov:iam::111122223333:role/ecr-pull-through" }
    }
  }

  assert {
    condition     = keys(aws_ecr_pull_through_cache_rule.this) == ["central"]
    error_message = "the rule is not planned"
  }
}

run "all_nine_upstreams_are_known" {
  variables {
    account_id = "111122223333"
    rules = {
      docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/docker-hub" }
      ecr-public = { upstream_registry_url = "public.ecr.aws" }
      k8s        = { upstream_registry_url = "registry.k8s.io" }
      quay       = { upstream_registry_url = "quay.io" }
      github     = { upstream_registry_url = "ghcr.io", secret_name = "ecr-pullthroughcache/github" }
      gitlab     = { upstream_registry_url = "registry.gitlab.com", secret_name = "ecr-pullthroughcache/gitlab" }
      azure      = { upstream_registry_url = "myteam.azurecr.io", secret_name = "ecr-pullthroughcache/azure" }
      chainguard = { upstream_registry_url = "cgr.dev", secret_name = "ecr-pullthroughcache/chainguard" }
      central = {
        upstream_registry_url      = "444455556666.dkr.ecr.us-west-2.amazonaws.com"
        upstream_repository_prefix = "team/base"
        custom_role_arn            = "arn:aws:iam::111122223333:role/ecr-pull-through"
      }
    }
  }

  assert {
    condition = { for prefix, rule in output.rules : prefix => rule.upstream_registry } == {
      docker-hub = "docker-hub"
      ecr-public = "ecr-public"
      k8s        = "k8s"
      quay       = "quay"
      github     = "github-container-registry"
      gitlab     = "gitlab-container-registry"
      azure      = "azure-container-registry"
      chainguard = "chainguard"
      central    = "ecr"
    }
    error_message = "an upstream is taken for another: ${jsonencode(output.rules)}"
  }

  assert {
    condition     = output.rules["docker-hub"].credential_arn == "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf"
    error_message = "the secret's ARN was not looked up by its name"
  }

  assert {
    condition     = output.rules["quay"].credential_arn == null && aws_ecr_pull_through_cache_rule.this["quay"].custom_role_arn == null
    error_message = "a public upstream got credentials"
  }

  assert {
    condition     = aws_ecr_pull_through_cache_rule.this["central"].custom_role_arn == "arn:aws:iam::111122223333:role/ecr-pull-through" && aws_ecr_pull_through_cache_rule.this["central"].upstream_repository_prefix == "team/base"
    error_message = "the upstream ECR lost its role or prefix"
  }

  assert {
    condition     = output.repository_arn_patterns[0] == "arn:aws:ecr:us-east-1:111122223333:repository/azure/*" && length(output.repository_arn_patterns) == 9
    error_message = "wrong patterns: ${join(", ", output.repository_arn_patterns)}"
  }
}

run "an_ecr_of_the_own_account_needs_no_role" {
  command = plan

  variables {
    account_id = "111122223333"
    rules      = { west = { upstream_registry_url = "111122223333.dkr.ecr.us-west-2.amazonaws.com" } }
  }

  assert {
    condition     = aws_ecr_pull_through_cache_rule.this["west"].custom_role_arn == null
    error_message = "a role appeared from nowhere"
  }
}

run "a_credential_arn_is_used_as_it_is" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "registry-1.docker.io"
        credential_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/other-GhIjKl"
      }
    }
  }

  assert {
    condition     = aws_ecr_pull_through_cache_rule.this["docker-hub"].credential_arn == "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/other-GhIjKl" && length(data.aws_secretsmanager_secret.this) == 0
    error_message = "the given ARN was not taken"
  }
}

run "rules_may_share_a_secret" {
  command = plan

  variables {
    rules = {
      docker-hub = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/docker-hub" }
      docker-two = { upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/docker-hub" }
    }
  }

  assert {
    condition     = length(distinct([for rule in aws_ecr_pull_through_cache_rule.this : rule.credential_arn])) == 1 && length(data.aws_secretsmanager_secret.this) == 2
    error_message = "the rules have different secrets, or the lookup is not by rule: a name that is known after apply could be no key"
  }
}

run "fifty_rules_are_allowed" {
  command = plan

  variables {
    rules = { for number in range(50) : "quay-${number}" => { upstream_registry_url = "quay.io" } }
  }

  assert {
    condition     = length(aws_ecr_pull_through_cache_rule.this) == 50
    error_message = "not all rules are made"
  }
}

run "root_takes_everything" {
  variables {
    rules = { ROOT = { upstream_registry_url = "public.ecr.aws" } }
  }

  assert {
    condition     = output.repository_arn_patterns == ["arn:aws:ecr:us-east-1:111122223333:repository/*"]
    error_message = "wrong pattern for ROOT: ${join(", ", output.repository_arn_patterns)}"
  }
}

run "a_template_without_settings_is_mutable_and_aes256" {
  command = plan

  variables {
    rules = {
      quay = { upstream_registry_url = "quay.io", template = {} }
      k8s  = { upstream_registry_url = "registry.k8s.io" }
    }
  }

  assert {
    condition     = keys(aws_ecr_repository_creation_template.this) == ["quay"]
    error_message = "a template without being asked"
  }

  assert {
    condition     = aws_ecr_repository_creation_template.this["quay"].image_tag_mutability == "MUTABLE" && aws_ecr_repository_creation_template.this["quay"].encryption_configuration[0].encryption_type == "AES256"
    error_message = "wrong defaults"
  }

  assert {
    condition     = aws_ecr_repository_creation_template.this["quay"].applied_for == toset(["PULL_THROUGH_CACHE"]) && aws_ecr_repository_creation_template.this["quay"].repository_policy == null && aws_ecr_repository_creation_template.this["quay"].resource_tags == null
    error_message = "the template does more than asked"
  }
}

run "a_template_carries_key_tags_role_and_cross_account_pull" {
  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template = {
          description          = "Quay images"
          image_tag_mutability = "IMMUTABLE"
          kms_key_arn          = "arn:aws:kms:us-east-1:111122223333:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
          custom_role_arn      = "arn:aws:iam::111122223333:role/ecr-repository-creation"
          resource_tags        = { Team = "platform" }
          pull_account_ids     = ["555566667777", "444455556666", "555566667777"]
        }
      }
    }
  }

  assert {
    condition     = aws_ecr_repository_creation_template.this["quay"].encryption_configuration[0].encryption_type == "KMS" && aws_ecr_repository_creation_template.this["quay"].encryption_configuration[0].kms_key == "arn:aws:kms:us-east-1:111122223333:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
    error_message = "the key got lost"
  }

  assert {
    condition     = aws_ecr_repository_creation_template.this["quay"].custom_role_arn == "arn:aws:iam::111122223333:role/ecr-repository-creation" && aws_ecr_repository_creation_template.this["quay"].resource_tags == tomap({ Team = "platform" })
    error_message = "role or tags got lost"
  }

  assert {
    condition = jsondecode(aws_ecr_repository_creation_template.this["quay"].repository_policy).Statement[0] == {
      Sid       = "CrossAccountPull"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::444455556666:root", "arn:aws:iam::555566667777:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }
    error_message = "wrong policy: ${aws_ecr_repository_creation_template.this["quay"].repository_policy}"
  }

  assert {
    condition     = output.template_prefixes == tolist(["quay"]) && output.prefixes == tolist(["quay"])
    error_message = "wrong prefixes"
  }
}
