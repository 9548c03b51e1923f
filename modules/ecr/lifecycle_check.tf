################################################################################
# What nobody sees in a lifecycle policy before ECR refuses it.
#
# The provider hands a policy on unread, so that a wrong one fails in the middle of an apply. These are the rules of
# ECR that a reader of the policy misses. The precondition of aws_ecr_lifecycle_policy reports them.
#
# Anything can stand in the JSON. An absent value, or one of another type, reads as a text without matches.
################################################################################

locals {
  given_policies = merge(
    var.lifecycle_policy == null ? {} : { "lifecycle_policy" = var.lifecycle_policy },
    {
      for name, own in var.repositories :
      "repositories[\"${name}\"].lifecycle_policy" => own.lifecycle_policy if own.lifecycle_policy != null
    },
  )

  # {repository: the argument that its policy was given in}
  policy_origin = {
    for name in keys(local.repositories) : name => (
      contains(keys(local.given_policies), "repositories[\"${name}\"].lifecycle_policy")
      ? "repositories[\"${name}\"].lifecycle_policy" : "lifecycle_policy"
    )
  }

  policy_problems_by_repository = {
    for name, origin in local.policy_origin : name => try(local.policy_problems[origin], [])
  }

  policy_rules = {
    for where, text in local.given_policies : where => [
      for rule in try([for rule in jsondecode(text).rules : rule], []) : {
        priority        = try(jsonencode(rule.rulePriority), "null")
        any             = try(rule.selection.tagStatus == "any", false)
        storage_class   = try(jsonencode(rule.selection.storageClass), "\"standard\"")
        expires_by_pull = try(rule.selection.countType == "sinceImagePulled" && rule.action.type == "expire", false)
      }
    ]
  }

  policy_problems = {
    for where, rules in local.policy_rules : where => concat(
      can(jsondecode(local.given_policies[where])) ? [] : ["is not JSON, or an object in it has a key twice"],
      [
        for priority, same in { for rule in rules : rule.priority => rule... } :
        "has ${length(same)} rules with rulePriority ${priority}; each needs its own" if length(same) > 1
      ],
      [
        for storage_class, same in { for rule in rules : rule.storage_class => rule... if rule.any } :
        "has more than one rule with tagStatus any for ${trim(storage_class, "\"")} storage" if length(same) > 1
      ],
      [
        for rule in rules : "has tagStatus any with rulePriority ${rule.priority}, which is not the highest"
        if rule.any && anytrue([
          for other in rules : !other.any && other.storage_class == rule.storage_class
          && try(tonumber(other.priority) > tonumber(rule.priority), false)
        ])
      ],
      [
        for rule in rules :
        "has a rule (rulePriority ${rule.priority}) with countType sinceImagePulled and action expire; ECR takes only transition"
        if rule.expires_by_pull
      ],
    )
  }
}
