output "ecr_api_endpoint_id" {
  description = "ID of the ecr.api endpoint. Null when somebody deleted it."
  value       = one([for service, endpoint in aws_vpc_endpoint.interface : endpoint.id if service == "ecr.api"])
}

output "ecr_dkr_endpoint_id" {
  description = "ID of the ecr.dkr endpoint. Null when somebody deleted it."
  value       = one([for service, endpoint in aws_vpc_endpoint.interface : endpoint.id if service == "ecr.dkr"])
}

output "endpoint_ids" {
  description = "IDs of all endpoints by short service name: `{\"ecr.api\" = \"vpce-...\"}`."
  value = merge(
    { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.id },
    { for service, endpoint in aws_vpc_endpoint.gateway : service => endpoint.id },
  )
}

output "endpoint_security_group_id" {
  description = "ID of the endpoints' own security group. Null when existing ones were given."
  value       = one(aws_security_group.this[*].id)
}

output "endpoint_security_group_ids" {
  description = "Security groups on the interface endpoints."
  value       = local.security_group_ids
}

output "policies" {
  description = "Policies (JSON) of the endpoints by service."
  value       = merge({ for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.policy }, { for service, endpoint in aws_vpc_endpoint.gateway : service => endpoint.policy })
}
