data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  interface_services = toset(concat(["ecr.api", "ecr.dkr"], [for service in var.extra_endpoints : service if service != "s3"]))
  gateway_services   = toset([for service in var.extra_endpoints : service if service == "s3"])

  # In China some services' names begin with the reversed DNS suffix (cn.com.amazonaws), others do not.
  reverse_dns_services = local.partition == "aws-cn" ? ["ecr.api", "ecr.dkr", "sts"] : []

  service_names = merge(
    {
      for service in ["ecr.api", "ecr.dkr", "s3", "sts", "logs"] : service => join(".", [
        contains(local.reverse_dns_services, service) ? data.aws_partition.current.reverse_dns_prefix : "com.amazonaws",
        local.region,
        service,
      ])
    },
    var.service_names,
  )

  # One block or several, as a list. `flatten` asks for types only: a block may be known after apply.
  cidrs = flatten([var.vpc_cidr])

  own_security_group = length(var.endpoint_security_group_ids) == 0
  security_group_ids = local.own_security_group ? aws_security_group.this[*].id : var.endpoint_security_group_ids
}

################################################################################
# Security group
################################################################################

resource "aws_security_group" "this" {
  count = local.own_security_group ? 1 : 0

  name_prefix = "${var.name}-vpce-"
  description = "HTTPS from the VPC to its interface endpoints"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-vpce" })

  # Endpoints cannot be without a group while theirs is replaced.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  count = local.own_security_group ? 1 : 0

  security_group_id = aws_security_group.this[0].id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = strcontains(local.cidrs[0], ":") ? null : local.cidrs[0]
  cidr_ipv6         = strcontains(local.cidrs[0], ":") ? local.cidrs[0] : null
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

# Secondary blocks, and IPv6: the first block keeps the address that it always had.
resource "aws_vpc_security_group_ingress_rule" "https_from_further_blocks" {
  for_each = toset(local.own_security_group ? slice(local.cidrs, min(1, length(local.cidrs)), length(local.cidrs)) : [])

  security_group_id = aws_security_group.this[0].id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = strcontains(each.value, ":") ? null : each.value
  cidr_ipv6         = strcontains(each.value, ":") ? each.value : null
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

################################################################################
# Endpoints
################################################################################

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_services

  vpc_id              = var.vpc_id
  service_name        = local.service_names[each.key]
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.private_subnet_ids
  security_group_ids  = local.security_group_ids
  private_dns_enabled = var.private_dns_enabled
  policy              = local.policies[each.key]
  tags                = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = local.gateway_services

  vpc_id            = var.vpc_id
  service_name      = local.service_names[each.key]
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.private_route_table_ids
  policy            = local.policies[each.key]
  tags              = merge(var.tags, { Name = "${var.name}-${each.key}" })
}
