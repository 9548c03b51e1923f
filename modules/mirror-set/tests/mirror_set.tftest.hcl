variables {
  cluster_name  = "Demo_1"
  environment   = "test"
  registry_host = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
}

run "without_routes_there_are_no_mirrors" {
  command = plan

  assert {
    condition     = length(output.digest_mirror_set.spec.imageDigestMirrors) == 0 && output.digest_mirror_set.metadata.name == "demo-1-ecr"
    error_message = "wrong document: ${output.digest_mirror_set_yaml}"
  }
}

run "a_registry_is_listed_under_each_of_its_names" {
  command = plan

  variables {
    pull_through_cache_rules = {
      docker-hub = { upstream_registry_url = "registry-1.docker.io" }
      k8s        = { upstream_registry_url = "registry.k8s.io" }
    }
  }

  assert {
    condition = { for mirror in output.digest_mirror_set.spec.imageDigestMirrors : mirror.source => one(mirror.mirrors) } == {
      "docker.io"            = "111122223333.dkr.ecr.us-east-1.amazonaws.com/docker-hub"
      "registry-1.docker.io" = "111122223333.dkr.ecr.us-east-1.amazonaws.com/docker-hub"
      "k8s.gcr.io"           = "111122223333.dkr.ecr.us-east-1.amazonaws.com/k8s"
      "registry.k8s.io"      = "111122223333.dkr.ecr.us-east-1.amazonaws.com/k8s"
    }
    error_message = "wrong mirrors: ${output.digest_mirror_set_yaml}"
  }
}

run "the_longest_source_wins_and_among_equals_an_exclude" {
  command = plan

  variables {
    mirrors = {
      mcr    = { source = "mcr.microsoft.com" }
      dotnet = { source = "mcr.microsoft.com/dotnet" }
      team   = { source = "quay.io/team" }
    }
    exclude = ["quay.io/team"]
  }

  assert {
    condition = { for mirror in output.digest_mirror_set.spec.imageDigestMirrors : mirror.source => trimprefix(one(mirror.mirrors), "${var.registry_host}/") } == {
      "mcr.microsoft.com"        = "mcr"
      "mcr.microsoft.com/dotnet" = "dotnet/dotnet"
    }
    error_message = "wrong mirrors: ${output.digest_mirror_set_yaml}"
  }
}

run "without_a_way_out_nodes_never_contact_the_source" {
  command = plan

  variables {
    mirrors        = { mcr = { source = "mcr.microsoft.com" } }
    allow_upstream = false
  }

  assert {
    condition     = one(output.digest_mirror_set.spec.imageDigestMirrors).mirrorSourcePolicy == "NeverContactSource"
    error_message = "wrong policy: ${output.digest_mirror_set_yaml}"
  }
}

run "rosa_classic_takes_no_mirrors_of_red_hats_registries" {
  command = plan

  variables {
    platform = "rosa-classic"
    mirrors = {
      redhat = { source = "registry.redhat.io/ubi9" }
      six    = { source = "[2001:db8::1]:5000/a" }
      plain  = { source = "registry.example.com/a" }
    }
  }

  assert {
    condition     = [for mirror in output.digest_mirror_set.spec.imageDigestMirrors : mirror.source] == ["registry.example.com/a"]
    error_message = "wrong sources: ${output.digest_mirror_set_yaml}"
  }
}

run "what_ecr_puts_before_a_name_is_the_rules_and_not_the_routes" {
  command = plan

  variables {
    pull_through_cache_rules = {
      quay = { upstream_registry_url = "quay.io", source = "quay.io/prometheus" }
      mine = { upstream_registry_url = "222233334444.dkr.ecr.us-east-1.amazonaws.com", upstream_repository_prefix = "base", source = "222233334444.dkr.ecr.us-east-1.amazonaws.com/base/team" }
    }
    mirrors = { mcr = { source = "mcr.microsoft.com" } }
  }

  assert {
    condition     = output.upstream_names == { quay = "quay.io", mine = "222233334444.dkr.ecr.us-east-1.amazonaws.com/base" }
    error_message = "wrong names: ${jsonencode(output.upstream_names)}"
  }
}

run "a_change_of_the_routes_changes_the_digest" {
  command = plan

  variables {
    digest_references = "redirect"
  }

  assert {
    condition     = output.digest_mirror_set.metadata.annotations["orchestrator/route-table"] != run.without_routes_there_are_no_mirrors.digest_mirror_set.metadata.annotations["orchestrator/route-table"]
    error_message = "two tables have one digest"
  }
}
