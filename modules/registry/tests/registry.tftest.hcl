# What the module makes of its input.

mock_provider "aws" {
  source = "../mocks"

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

variables {
  account_id = "111122223333"
}

run "nothing_is_changed_unasked" {
  command = plan

  assert {
    condition     = length(aws_ecr_registry_policy.this) + length(aws_ecr_repository_creation_template.root) + length(aws_ecr_registry_scanning_configuration.this) + length(aws_ecr_account_setting.this) == 0
    error_message = "the registry is changed without being asked"
  }

  assert {
    condition     = output.registry_url == "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    error_message = "wrong host: ${output.registry_url}"
  }
}

run "consumers_import_below_the_prefixes_and_pull" {
  variables {
    consumer_account_ids = ["555566667777", "444455556666"]
    import_prefixes      = ["quay", "docker-hub"]
    mirror_prefixes      = ["mcr"]
  }

  assert {
    condition = jsondecode(output.registry_policy).Statement[0] == {
      Sid       = "ConsumersImport"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::444455556666:root", "arn:aws:iam::555566667777:root"] }
      Action    = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
      Resource  = ["arn:aws:ecr:us-east-1:111122223333:repository/docker-hub/*", "arn:aws:ecr:us-east-1:111122223333:repository/quay/*"]
    }
    error_message = "wrong import rights: ${output.registry_policy}"
  }

  assert {
    condition = jsondecode(output.registry_policy).Statement[1] == {
      Sid       = "ConsumersPull"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::444455556666:root", "arn:aws:iam::555566667777:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource  = [for prefix in ["docker-hub", "mcr", "quay"] : "arn:aws:ecr:us-east-1:111122223333:repository/${prefix}/*"]
    }
    error_message = "wrong pull rights: ${output.registry_policy}"
  }

  assert {
    condition     = output.consumer_account_ids == tolist(["444455556666", "555566667777"])
    error_message = "wrong consumers"
  }
}

run "scope_v1_takes_import_rights_only" {
  variables {
    consumer_account_ids = ["444455556666"]
    import_prefixes      = ["quay"]
    account_settings     = { REGISTRY_POLICY_SCOPE = "V1" }
  }

  assert {
    condition     = [for statement in jsondecode(output.registry_policy).Statement : statement.Sid] == ["ConsumersImport"]
    error_message = "a V1 policy holds more than imports: ${output.registry_policy}"
  }
}

run "the_root_rule_lets_consumers_import_everywhere" {
  variables {
    consumer_account_ids = ["444455556666"]
    import_prefixes      = ["quay", "ROOT"]
  }

  assert {
    condition     = jsondecode(output.registry_policy).Statement[0].Resource == ["arn:aws:ecr:us-east-1:111122223333:repository/*"]
    error_message = "wrong resources: ${output.registry_policy}"
  }
}

run "without_rules_consumers_only_pull" {
  variables {
    consumer_account_ids = ["444455556666"]
    mirror_prefixes      = ["mcr"]
  }

  assert {
    condition     = [for statement in jsondecode(output.registry_policy).Statement : statement.Sid] == ["ConsumersPull"]
    error_message = "import rights without rules: ${output.registry_policy}"
  }
}

run "the_root_template_serves_pull_through_repositories" {
  variables {
    root_template = {
      description      = "Made by ECR"
      kms_key_arn      = "arn:aws:kms:us-east-1:111122223333:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
      custom_role_arn  = "arn:aws:iam::111122223333:role/ecr-repository-creation"
      resource_tags    = { Team = "platform" }
      pull_account_ids = ["444455556666"]
    }
  }

  assert {
    condition     = aws_ecr_repository_creation_template.root[0].prefix == "ROOT" && aws_ecr_repository_creation_template.root[0].applied_for == toset(["PULL_THROUGH_CACHE"]) && aws_ecr_repository_creation_template.root[0].image_tag_mutability == "MUTABLE"
    error_message = "the template does not serve ROOT"
  }

  assert {
    condition     = aws_ecr_repository_creation_template.root[0].encryption_configuration[0].encryption_type == "KMS" && jsondecode(aws_ecr_repository_creation_template.root[0].repository_policy).Statement[0].Principal.AWS == ["arn:aws:iam::444455556666:root"]
    error_message = "key or policy got lost"
  }

  assert {
    condition     = output.root_template
    error_message = "the output does not tell of the template"
  }
}

run "scanning_rules_become_wildcard_filters" {
  variables {
    scanning = {
      scan_type = "ENHANCED"
      rules = [
        { scan_frequency = "CONTINUOUS_SCAN", repository_patterns = ["prod/*", "base-*"] },
        { scan_frequency = "SCAN_ON_PUSH", repository_patterns = ["*"] },
      ]
    }
  }

  assert {
    condition = { for rule in aws_ecr_registry_scanning_configuration.this[0].rule : rule.scan_frequency => [for filter in rule.repository_filter : filter.filter] } == {
      CONTINUOUS_SCAN = ["base-*", "prod/*"]
      SCAN_ON_PUSH    = ["*"]
    }
    error_message = "wrong rules"
  }

  assert {
    condition     = output.scan_type == "ENHANCED" && alltrue(flatten([for rule in aws_ecr_registry_scanning_configuration.this[0].rule : [for filter in rule.repository_filter : filter.filter_type == "WILDCARD"]]))
    error_message = "wrong type of scan or filter"
  }
}

run "basic_scanning_without_rules_scans_on_request" {
  variables {
    scanning = { scan_type = "BASIC" }
  }

  assert {
    condition     = aws_ecr_registry_scanning_configuration.this[0].scan_type == "BASIC" && length(aws_ecr_registry_scanning_configuration.this[0].rule) == 0
    error_message = "rules from nowhere"
  }
}

run "account_settings_are_set_by_name" {
  variables {
    account_settings = { BASIC_SCAN_TYPE_VERSION = "AWS_NATIVE", REGISTRY_POLICY_SCOPE = "V2" }
  }

  assert {
    condition     = output.account_settings == { BASIC_SCAN_TYPE_VERSION = "AWS_NATIVE", REGISTRY_POLICY_SCOPE = "V2" }
    error_message = "wrong settings: ${jsonencode(output.account_settings)}"
  }
}

run "govcloud_has_its_own_partition" {
  variables {
    consumer_account_ids = ["444455556666"]
    mirror_prefixes      = ["mcr"]
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov", dns_suffix = "amazonaws.com" }
  }

  override_data {
    target = data.aws_region.current
    values = { name = "us-gov-west-1" }
  }

  assert {
    condition     = jsondecode(output.registry_policy).Statement[0].Resource == ["arn:aws-us-gov:ecr:us-gov-west-1:111122223333:repository/mcr/*"] && jsondecode(output.registry_policy).Statement[0].Principal.AWS == ["arn:aws-us-gov:iam::444455556666:root"]
    error_message = "wrong partition: ${output.registry_policy}"
  }
}
