# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

run "refuses_more_than_fifty_rules" {
  command = plan

  variables {
    rules = { for number in range(51) : "quay-${number}" => { upstream_registry_url = "quay.io" } }
  }

  expect_failures = [var.rules]
}

run "refuses_an_upper_case_prefix" {
  command = plan

  variables {
    rules = {
      Quay = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_prefix_of_one_character" {
  command = plan

  variables {
    rules = {
      q = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_prefix_of_31_characters" {
  command = plan

  variables {
    rules = {
      q234567890123456789012345678901 = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_prefix_with_a_slash_at_the_end" {
  command = plan

  variables {
    rules = {
      "quay/" = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_prefix_that_the_provider_refuses" {
  command = plan

  variables {
    rules = {
      "quay--io" = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_docker_io_as_the_url_of_docker_hub" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "docker.io"
        secret_name           = "ecr-pullthroughcache/docker-hub"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_upstream_that_ecr_cannot_pull_through" {
  command = plan

  variables {
    rules = {
      gcr = { upstream_registry_url = "gcr.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_upstream_url_with_a_scheme" {
  command = plan

  variables {
    rules = {
      quay = { upstream_registry_url = "https://quay.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_docker_hub_without_credentials" {
  command = plan

  variables {
    rules = {
      docker-hub = { upstream_registry_url = "registry-1.docker.io" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_credentials_for_quay" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        secret_name           = "ecr-pullthroughcache/quay"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_credentials_that_are_named_twice" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "registry-1.docker.io"
        secret_name           = "ecr-pullthroughcache/docker-hub"
        credential_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_secret_with_another_name" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "registry-1.docker.io"
        secret_name           = "docker-hub"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_credential_arn_of_a_secret_with_another_name" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "registry-1.docker.io"
        credential_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:docker-hub-AbCdEf"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_role_for_an_upstream_other_than_ecr" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        custom_role_arn       = "arn:aws:iam::111122223333:role/pull"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_ecr_of_another_account_without_a_role" {
  command = plan

  variables {
    account_id = "111122223333"
    rules = {
      central = { upstream_registry_url = "444455556666.dkr.ecr.us-east-1.amazonaws.com" }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_upstream_repository_prefix_outside_ecr" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url      = "quay.io"
        upstream_repository_prefix = "team"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_upstream_repository_prefix_with_root" {
  command = plan

  variables {
    rules = {
      ROOT = {
        upstream_registry_url      = "444455556666.dkr.ecr.us-east-1.amazonaws.com"
        upstream_repository_prefix = "team"
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_template_with_another_mutability" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template              = { image_tag_mutability = "FROZEN" }
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_template_with_a_key_and_no_role" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template              = { kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1b2c3d4e" }
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_template_with_tags_and_no_role" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template              = { resource_tags = { Team = "platform" } }
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_template_description_of_256_characters" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template              = { description = join("", [for number in range(256) : "x"]) }
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_a_template_for_an_account_of_11_digits" {
  command = plan

  variables {
    rules = {
      quay = {
        upstream_registry_url = "quay.io"
        template              = { pull_account_ids = ["44445555666"] }
      }
    }
  }

  expect_failures = [var.rules]
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_secret_of_another_region" {
  command = plan

  variables {
    rules = {
      docker-hub = {
        upstream_registry_url = "registry-1.docker.io"
        credential_arn        = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf"
      }
    }
  }

  expect_failures = [data.aws_region.current]
}

run "refuses_a_rule_for_registries_of_others_in_govcloud" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  variables {
    rules = {
      quay = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [data.aws_partition.current]
}

run "refuses_a_rule_for_registries_of_others_beside_one_of_ecr_in_govcloud" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  variables {
    rules = {
      central = { upstream_registry_url = "111122223333.dkr.ecr.us-gov-east-1.amazonaws.com" }
      k8s     = { upstream_registry_url = "registry.k8s.io" }
    }
  }

  expect_failures = [data.aws_partition.current]
}

run "refuses_any_rule_in_china" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  variables {
    rules = {
      quay = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [data.aws_partition.current]
}

run "refuses_any_rule_in_an_isolated_partition" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-iso-b" }
  }

  variables {
    rules = {
      quay = { upstream_registry_url = "quay.io" }
    }
  }

  expect_failures = [data.aws_partition.current]
}
