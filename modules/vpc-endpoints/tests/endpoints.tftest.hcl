mock_provider "aws" {
  source = "../mocks"
}

variables {
  name               = "demo"
  vpc_id             = "vpc-1"
  private_subnet_ids = ["subnet-1", "subnet-2"]
  vpc_cidr           = "10.0.0.0/16"
}

################################################################################
# What is made
################################################################################

run "both_ecr_endpoints_with_private_dns_behind_an_own_security_group" {
  command = apply

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["ecr.api", "ecr.dkr"] && length(aws_vpc_endpoint.gateway) == 0
    error_message = "ecr.api and ecr.dkr, and nothing that was not asked for."
  }
  assert {
    condition = alltrue([
      for service, endpoint in aws_vpc_endpoint.interface : (
        endpoint.service_name == "com.amazonaws.eu-west-1.${service}"
        && endpoint.vpc_endpoint_type == "Interface"
        && endpoint.vpc_id == "vpc-1"
        && endpoint.private_dns_enabled
        && endpoint.subnet_ids == toset(["subnet-1", "subnet-2"])
        && endpoint.security_group_ids == toset([aws_security_group.this[0].id])
      )
    ])
    error_message = "Interface endpoints of the region's services, in the given subnets, with private DNS."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.https[0].cidr_ipv4 == "10.0.0.0/16"
      && aws_vpc_security_group_ingress_rule.https[0].ip_protocol == "tcp"
      && aws_vpc_security_group_ingress_rule.https[0].from_port == 443
      && aws_vpc_security_group_ingress_rule.https[0].to_port == 443
    )
    error_message = "The own security group admits HTTPS from the VPC, nothing else."
  }
  assert {
    condition = (
      output.ecr_api_endpoint_id == aws_vpc_endpoint.interface["ecr.api"].id
      && output.ecr_dkr_endpoint_id == aws_vpc_endpoint.interface["ecr.dkr"].id
      && output.endpoint_security_group_id == aws_security_group.this[0].id
      && keys(output.endpoint_ids) == ["ecr.api", "ecr.dkr"]
    )
    error_message = "The outputs name what was made."
  }
}

run "given_security_groups_replace_the_own_one" {
  command = plan

  variables {
    vpc_cidr                    = null
    endpoint_security_group_ids = ["sg-1", "sg-2"]
  }

  assert {
    condition = (
      length(aws_security_group.this) == 0 && length(aws_vpc_security_group_ingress_rule.https) == 0
      && aws_vpc_endpoint.interface["ecr.dkr"].security_group_ids == toset(["sg-1", "sg-2"])
      && output.endpoint_security_group_id == null
    )
    error_message = "The given groups are used and none is made."
  }
}

run "s3_is_a_gateway_in_the_route_tables_and_the_others_are_interfaces" {
  command = plan

  variables {
    extra_endpoints         = ["s3", "sts", "logs"]
    private_route_table_ids = ["rtb-1", "rtb-2"]
    private_dns_enabled     = false
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["ecr.api", "ecr.dkr", "logs", "sts"] && keys(aws_vpc_endpoint.gateway) == ["s3"]
    error_message = "sts and logs are interface endpoints, s3 is a gateway."
  }
  assert {
    condition = (
      aws_vpc_endpoint.gateway["s3"].vpc_endpoint_type == "Gateway"
      && aws_vpc_endpoint.gateway["s3"].route_table_ids == toset(["rtb-1", "rtb-2"])
      && aws_vpc_endpoint.gateway["s3"].service_name == "com.amazonaws.eu-west-1.s3"
    )
    error_message = "The gateway is added to the given route tables."
  }
  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : !endpoint.private_dns_enabled])
    error_message = "Private DNS can be switched off."
  }
}

run "in_china_some_services_have_another_name" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn", reverse_dns_prefix = "cn.com.amazonaws" }
  }
  override_data {
    target = data.aws_region.current
    values = { name = "cn-north-1" }
  }
  variables {
    extra_endpoints         = ["s3", "sts", "logs"]
    private_route_table_ids = ["rtb-1"]
  }

  assert {
    condition = { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.service_name } == {
      "ecr.api" = "cn.com.amazonaws.cn-north-1.ecr.api"
      "ecr.dkr" = "cn.com.amazonaws.cn-north-1.ecr.dkr"
      "sts"     = "cn.com.amazonaws.cn-north-1.sts"
      "logs"    = "com.amazonaws.cn-north-1.logs"
    } && aws_vpc_endpoint.gateway["s3"].service_name == "com.amazonaws.cn-north-1.s3"
    error_message = "ecr and sts are registered under cn.com.amazonaws, logs and s3 under com.amazonaws."
  }
  assert {
    condition = (
      jsondecode(aws_vpc_endpoint.gateway["s3"].policy).Statement[0].Resource == ["arn:aws-cn:s3:::prod-cn-north-1-starport-layer-bucket/*"]
      && jsondecode(aws_vpc_endpoint.interface["ecr.dkr"].policy).Statement[2].Resource == ["arn:aws-cn:ecr:cn-north-1:183470599484:repository/*", "arn:aws-cn:ecr:cn-north-1:918309763551:repository/*"]
    )
    error_message = "ARNs carry the partition, and EKS and Bottlerocket keep their images in accounts of the region."
  }
}

run "in_govcloud_names_are_the_usual_ones" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov", dns_suffix = "amazonaws.com", reverse_dns_prefix = "com.amazonaws" }
  }
  override_data {
    target = data.aws_region.current
    values = { name = "us-gov-west-1" }
  }
  variables {
    service_names = { "ecr.api" = "com.amazonaws.us-gov-west-1.ecr.api-fips" }
  }

  assert {
    condition     = aws_vpc_endpoint.interface["ecr.dkr"].service_name == "com.amazonaws.us-gov-west-1.ecr.dkr"
    error_message = "GovCloud uses com.amazonaws."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["ecr.api"].service_name == "com.amazonaws.us-gov-west-1.ecr.api-fips"
    error_message = "A given service name wins."
  }
  assert {
    condition     = jsondecode(aws_vpc_endpoint.interface["ecr.api"].policy).Statement[1].Resource == ["arn:aws-us-gov:ecr:us-gov-west-1:111122223333:repository/*"]
    error_message = "ARNs carry the partition."
  }
}

################################################################################
# What is refused
################################################################################

run "refuses_an_empty_name" {
  command = plan
  variables {
    name = ""
  }
  expect_failures = [var.name]
}

run "refuses_a_missing_vpc" {
  command = plan
  variables {
    vpc_id = null
  }
  expect_failures = [var.vpc_id]
}

run "refuses_missing_subnets" {
  command = plan
  variables {
    private_subnet_ids = []
  }
  expect_failures = [var.private_subnet_ids]
}

run "refuses_a_cidr_that_is_an_address" {
  command = plan
  variables {
    vpc_cidr = "10.0.0.1"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_a_cidr_inside_its_network" {
  command = plan
  variables {
    vpc_cidr = "10.0.1.0/16"
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_endpoints_that_nothing_may_reach" {
  command = plan
  variables {
    vpc_cidr = null
  }
  expect_failures = [var.vpc_cidr]
}

run "refuses_more_security_groups_than_an_interface_takes" {
  command = plan
  variables {
    endpoint_security_group_ids = [for number in range(17) : "sg-${number}"]
  }
  expect_failures = [var.endpoint_security_group_ids]
}

run "refuses_an_s3_gateway_without_route_tables" {
  command = plan
  variables {
    extra_endpoints = ["s3"]
  }
  expect_failures = [var.private_route_table_ids]
}

run "refuses_an_endpoint_that_it_does_not_know" {
  command = plan
  variables {
    extra_endpoints = ["ec2"]
  }
  expect_failures = [var.extra_endpoints]
}

run "refuses_a_name_for_a_service_that_it_does_not_know" {
  command = plan
  variables {
    service_names = { ecr = "com.amazonaws.eu-west-1.ecr" }
  }
  expect_failures = [var.service_names]
}

run "refuses_a_principal_that_is_no_account" {
  command = plan
  variables {
    principal_account_ids = ["*"]
  }
  expect_failures = [var.principal_account_ids]
}

run "refuses_a_registry_that_is_no_account" {
  command = plan
  variables {
    registry_account_ids = ["*"]
  }
  expect_failures = [var.registry_account_ids]
}

run "refuses_a_platform_registry_that_is_no_account" {
  command = plan
  variables {
    platform_registry_account_ids = ["quay.io"]
  }
  expect_failures = [var.platform_registry_account_ids]
}

run "refuses_roles_of_any_account" {
  command = plan
  variables {
    sts_role_account_ids = ["*"]
  }
  expect_failures = [var.sts_role_account_ids]
}

run "refuses_all_ecr_actions" {
  command = plan
  variables {
    additional_ecr_actions = ["ecr:*"]
  }
  expect_failures = [var.additional_ecr_actions]
}

run "refuses_all_objects_of_a_bucket" {
  command = plan
  variables {
    s3_put_objects = ["records/*"]
  }
  expect_failures = [var.s3_put_objects]
}

run "refuses_all_buckets" {
  command = plan
  variables {
    s3_bucket_names = ["*"]
  }
  expect_failures = [var.s3_bucket_names]
}
