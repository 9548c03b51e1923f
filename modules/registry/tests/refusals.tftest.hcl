# One failing run for each check of the module's input.

mock_provider "aws" {
  source = "../mocks"

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

variables {
  account_id = "111122223333"
}

run "refuses_an_account_id_of_11_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "refuses_a_consumer_of_11_digits" {
  command = plan

  variables {
    consumer_account_ids = ["44445555666"]
  }

  expect_failures = [var.consumer_account_ids]
}

run "refuses_itself_as_consumer" {
  command = plan

  variables {
    consumer_account_ids = ["111122223333"]
  }

  expect_failures = [var.consumer_account_ids]
}

run "refuses_a_wildcard_as_import_prefix" {
  command = plan

  variables {
    import_prefixes = ["*"]
  }

  expect_failures = [var.import_prefixes]
}

run "refuses_a_wildcard_as_mirror_prefix" {
  command = plan

  variables {
    mirror_prefixes = ["mcr", "m*"]
  }

  expect_failures = [var.mirror_prefixes]
}

run "refuses_a_root_template_with_another_mutability" {
  command = plan

  variables {
    root_template = { image_tag_mutability = "FROZEN" }
  }

  expect_failures = [var.root_template]
}

run "refuses_a_root_template_with_a_key_and_no_role" {
  command = plan

  variables {
    root_template = { kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1b2c3d4e" }
  }

  expect_failures = [var.root_template]
}

run "refuses_a_root_template_with_tags_and_no_role" {
  command = plan

  variables {
    root_template = { resource_tags = { Team = "platform" } }
  }

  expect_failures = [var.root_template]
}

run "refuses_a_root_template_description_of_256_characters" {
  command = plan

  variables {
    root_template = { description = join("", [for number in range(256) : "x"]) }
  }

  expect_failures = [var.root_template]
}

run "refuses_a_root_template_for_an_account_of_11_digits" {
  command = plan

  variables {
    root_template = { pull_account_ids = ["44445555666"] }
  }

  expect_failures = [var.root_template]
}

run "refuses_an_unknown_scan_type" {
  command = plan

  variables {
    scanning = { scan_type = "DEEP" }
  }

  expect_failures = [var.scanning]
}

run "refuses_continuous_scans_with_basic_scanning" {
  command = plan

  variables {
    scanning = {
      scan_type = "BASIC"
      rules     = [{ scan_frequency = "CONTINUOUS_SCAN", repository_patterns = ["*"] }]
    }
  }

  expect_failures = [var.scanning]
}

run "refuses_two_rules_of_one_frequency" {
  command = plan

  variables {
    scanning = {
      scan_type = "BASIC"
      rules = [
        { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["a*"] },
        { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["b*"] },
      ]
    }
  }

  expect_failures = [var.scanning]
}

run "refuses_a_scanning_rule_without_patterns" {
  command = plan

  variables {
    scanning = {
      scan_type = "BASIC"
      rules     = [{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = [] }]
    }
  }

  expect_failures = [var.scanning]
}

run "refuses_an_upper_case_scanning_pattern" {
  command = plan

  variables {
    scanning = {
      scan_type = "BASIC"
      rules     = [{ scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["Prod*"] }]
    }
  }

  expect_failures = [var.scanning]
}

run "refuses_an_unknown_account_setting" {
  command = plan

  variables {
    account_settings = { BLOB_MOUNTING = "ENABLED" }
  }

  expect_failures = [var.account_settings]
}

run "refuses_an_unknown_scan_version" {
  command = plan

  variables {
    account_settings = { BASIC_SCAN_TYPE_VERSION = "V2" }
  }

  expect_failures = [var.account_settings]
}

run "refuses_an_unknown_policy_scope" {
  command = plan

  variables {
    account_settings = { REGISTRY_POLICY_SCOPE = "CLAIR" }
  }

  expect_failures = [var.account_settings]
}

run "refuses_a_statement_without_a_principal" {
  command = plan

  variables {
    policy_statements = [{ Sid = "Replicate", Effect = "Allow", Action = ["ecr:ReplicateImage"], Resource = ["*"] }]
  }

  expect_failures = [var.policy_statements]
}

run "refuses_a_statement_with_a_sid_of_its_own_ones" {
  command = plan

  variables {
    policy_statements = [{ Sid = "ConsumersPull", Effect = "Allow", Principal = "*", Action = ["ecr:BatchGetImage"], Resource = ["*"] }]
  }

  expect_failures = [var.policy_statements]
}
