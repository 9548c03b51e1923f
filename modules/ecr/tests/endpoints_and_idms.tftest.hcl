mock_provider "aws" {
  source = "../mocks"
}

variables {
  cluster_name = "demo"
}

################################################################################
# VPC endpoints
################################################################################

run "endpoints_are_made_by_default" {
  command = apply

  variables {
    vpc_id             = "vpc-1"
    private_subnet_ids = ["subnet-1", "subnet-2"]
    vpc_cidr           = "10.0.0.0/16"
  }

  assert {
    condition = (
      output.vpc_endpoints_enabled && output.ecr_api_endpoint_id != null && output.ecr_dkr_endpoint_id != null
      && output.endpoint_security_group_id != null
    )
    error_message = "Both endpoints and their own security group exist."
  }
}

run "given_security_groups_replace_the_own_one" {
  command = apply

  variables {
    vpc_id                      = "vpc-1"
    private_subnet_ids          = ["subnet-1"]
    endpoint_security_group_ids = ["sg-1"]
  }

  assert {
    condition     = output.vpc_endpoints_enabled && output.endpoint_security_group_id == null
    error_message = "No own security group is made, and no CIDR is needed."
  }
}

run "refuses_endpoints_without_a_vpc" {
  command = plan
  variables {
    private_subnet_ids = ["subnet-1"]
    vpc_cidr           = "10.0.0.0/16"
  }
  expect_failures = [var.vpc_id]
}

run "refuses_endpoints_without_subnets" {
  command = plan
  variables {
    vpc_id   = "vpc-1"
    vpc_cidr = "10.0.0.0/16"
  }
  expect_failures = [var.private_subnet_ids]
}

run "refuses_endpoints_that_nothing_may_reach" {
  command = plan
  variables {
    vpc_id             = "vpc-1"
    private_subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.vpc_cidr]
}

################################################################################
# ImageDigestMirrorSet
################################################################################

run "operators_are_mirrored_below_the_default_repository" {
  command = plan

  variables {
    create_vpc_endpoints = false
    generate_idms        = true
  }

  assert {
    condition = yamldecode(output.idms_config_content) == {
      apiVersion = "config.openshift.io/v1"
      kind       = "ImageDigestMirrorSet"
      metadata   = { name = "demo-ecr" }
      spec = {
        imageDigestMirrors = [
          {
            source             = "registry.connect.redhat.com"
            mirrors            = ["111122223333.dkr.ecr.eu-west-1.amazonaws.com/demo-registry"]
            mirrorSourcePolicy = "AllowContactingSource"
          },
          {
            source             = "registry.redhat.io"
            mirrors            = ["111122223333.dkr.ecr.eu-west-1.amazonaws.com/demo-registry"]
            mirrorSourcePolicy = "AllowContactingSource"
          },
        ]
      }
    }
    error_message = "Without a list, the operators' registries map below the default repository."
  }
  assert {
    condition     = output.idms_config_path == "generated/demo/idms.yaml"
    error_message = "The path is named after the cluster."
  }
}

run "a_given_list_of_mirrors_is_all_there_is" {
  command = plan

  variables {
    create_vpc_endpoints = false
    generate_idms        = true
    idms_config_path     = "generated/prod/idms.yaml"
    idms_mirrors = [
      { source = "gcr.io/distroless", mirrors = ["mirror.example.com:5000/gcr", "second.example.com"], never_contact_source = true },
      { source = "*.example.org", mirrors = ["mirror.example.com"] },
    ]
  }

  assert {
    condition = yamldecode(output.idms_config_content).spec.imageDigestMirrors == [
      { source = "gcr.io/distroless", mirrors = ["mirror.example.com:5000/gcr", "second.example.com"], mirrorSourcePolicy = "NeverContactSource" },
      { source = "*.example.org", mirrors = ["mirror.example.com"], mirrorSourcePolicy = "AllowContactingSource" },
    ]
    error_message = "Sources, mirrors and policies are those given, in order."
  }
  assert {
    condition     = output.idms_config_path == "generated/prod/idms.yaml"
    error_message = "A given path is kept."
  }
}

run "no_mirrors_make_no_mirror_set" {
  command = plan

  variables {
    create_vpc_endpoints = false
    generate_idms        = true
    idms_mirrors         = []
  }

  assert {
    condition     = output.idms_config_content == null && output.idms_config_path == null && !output.ecr_summary.idms
    error_message = "An empty list generates nothing."
  }
}

run "refuses_a_mirror_source_with_a_tag" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_mirrors         = [{ source = "quay.io/team/app:v1", mirrors = ["mirror.example.com"] }]
  }
  expect_failures = [var.idms_mirrors]
}

run "refuses_a_source_without_mirrors" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_mirrors         = [{ source = "quay.io", mirrors = [] }]
  }
  expect_failures = [var.idms_mirrors]
}

run "refuses_a_mirror_with_a_scheme" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_mirrors         = [{ source = "quay.io", mirrors = ["https://mirror.example.com"] }]
  }
  expect_failures = [var.idms_mirrors]
}

run "refuses_the_same_mirror_twice" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_mirrors         = [{ source = "quay.io", mirrors = ["mirror.example.com", "mirror.example.com"] }]
  }
  expect_failures = [var.idms_mirrors]
}

run "refuses_a_path_outside_the_project" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_config_path     = "generated/../../idms.yaml"
  }
  expect_failures = [var.idms_config_path]
}

run "refuses_an_absolute_path" {
  command = plan
  variables {
    create_vpc_endpoints = false
    idms_config_path     = "/tmp/idms.yaml"
  }
  expect_failures = [var.idms_config_path]
}
