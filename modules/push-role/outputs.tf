output "role_arns" {
  description = "ARNs of the roles by name."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}

output "service_account_annotations" {
  description = "Annotation for the ServiceAccount of each IRSA role: `{role = {\"eks.amazonaws.com/role-arn\" = arn}}`. Pod Identity needs none."
  value = {
    for name, role in aws_iam_role.this : name => { "eks.amazonaws.com/role-arn" = role.arn }
    if local.roles[name].oidc_provider_arn != null
  }
}

output "pod_identity_association_arns" {
  description = "ARNs of the EKS Pod Identity associations by role name."
  value       = { for name, association in aws_eks_pod_identity_association.this : name => association.association_arn }
}
