# One failing run for each check of the module's input.

variables {
  cluster_name  = "test"
  environment   = "test"
  registry_host = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
}

run "refuses_a_cluster_name_with_a_space" {
  command = plan

  variables {
    cluster_name = "my cluster"
  }

  expect_failures = [var.cluster_name]
}

run "refuses_an_environment_with_a_space" {
  command = plan

  variables {
    environment = "my env"
  }

  expect_failures = [var.environment]
}

run "refuses_an_unknown_platform" {
  command = plan

  variables {
    platform = "gke"
  }

  expect_failures = [var.platform]
}

run "refuses_a_registry_of_someone_elses" {
  command = plan

  variables {
    registry_host = "quay.io"
  }

  expect_failures = [var.registry_host]
}

run "refuses_an_upstream_url_with_a_scheme" {
  command = plan

  variables {
    pull_through_cache_rules = { quay = { upstream_registry_url = "https://quay.io" } }
  }

  expect_failures = [var.pull_through_cache_rules]
}

run "refuses_a_source_with_a_wildcard" {
  command = plan

  variables {
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io", source = "quay.io/*" } }
  }

  expect_failures = [var.pull_through_cache_rules]
}

run "refuses_a_mirror_source_with_a_scheme" {
  command = plan

  variables {
    mirrors = { mcr = { source = "https://mcr.microsoft.com" } }
  }

  expect_failures = [var.mirrors]
}

run "refuses_a_prefix_of_a_rule_and_a_mirror" {
  command = plan

  variables {
    mirrors                  = { quay = { source = "mcr.microsoft.com" } }
    pull_through_cache_rules = { quay = { upstream_registry_url = "quay.io" } }
  }

  expect_failures = [var.mirrors]
}

run "refuses_an_include_with_a_tag" {
  command = plan

  variables {
    include = ["docker.io/library/nginx:1"]
  }

  expect_failures = [var.include]
}

run "refuses_an_exclude_with_a_digest" {
  command = plan

  variables {
    exclude = ["quay.io/team/app@sha256:0123"]
  }

  expect_failures = [var.exclude]
}

run "refuses_an_unknown_treatment_of_digests" {
  command = plan

  variables {
    digest_references = "drop"
  }

  expect_failures = [var.digest_references]
}
