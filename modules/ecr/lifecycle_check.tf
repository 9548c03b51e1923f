################################################################################
# What ECR demands of a lifecycle policy
#
# The provider hands a policy on unread, so that a wrong one fails in the middle of an apply. Each rule below
# is one of the ECR user guide's ("Lifecycle policy properties"). The precondition of aws_ecr_lifecycle_policy
# reports them.
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

  policy_problems = {
    for where, text in local.given_policies : where => concat(
      length(text) < 100 || length(text) > 30720 ? ["has ${length(text)} characters; ECR takes 100 to 30720"] : [],
      can(jsondecode(text)) ? [] : ["is not JSON"],
      can(jsondecode(text)) && !can(jsondecode(text).rules[0]) ? ["has no list of rules under \"rules\""] : [],
      [
        for key in setsubtract(try(keys(jsondecode(text)), []), ["rules"]) :
        "has \"${key}\" beside \"rules\""
      ],
      length(local.policy_rules[where]) > 50 ? ["has ${length(local.policy_rules[where])} rules; ECR takes 50"] : [],
      [
        for priority, count in { for rule in local.policy_rules[where] : rule.priority => rule... } :
        "has ${length(count)} rules with rulePriority ${priority}; each needs its own" if length(count) > 1
      ],
      [
        for class in ["standard", "archive"] : "has more than one rule with tagStatus any for ${class} storage"
        if length([for rule in local.policy_rules[where] : rule if rule.tag_status == "any" && rule.storage_class == class]) > 1
      ],
      [
        for rule in local.policy_rules[where] :
        "has tagStatus any with rulePriority ${rule.priority}, which is not the highest" if rule.tag_status == "any" && anytrue([
          for other in local.policy_rules[where] :
          try(tonumber(other.priority) > tonumber(rule.priority), false) if other.tag_status != "any"
        ])
      ],
      flatten([
        for rule in local.policy_rules[where] :
        [for problem in rule.problems : "has a rule (rulePriority ${rule.priority}) ${problem}"]
      ]),
    )
  }

  # One object of strings a rule, whatever was written there: jsonencode tells the number 5 from the string "5".
  policy_rules = {
    for where, rules in local.decoded_rules : where => [
      for rule in rules : {
        priority      = try(jsonencode(rule.rulePriority), "missing")
        tag_status    = try(tostring(rule.selection.tagStatus), "missing")
        storage_class = try(tostring(rule.selection.storageClass), "standard")
        problems = concat(
          can(regex("^[1-9][0-9]*$", jsonencode(rule.rulePriority))) ? [] : ["whose rulePriority is not a whole number from 1"],
          [
            for key in setsubtract(try(keys(rule), []), ["rulePriority", "description", "selection", "action"]) :
            "with an unknown \"${key}\""
          ],
          [
            for key in setsubtract(try(keys(rule.selection), []), [
              "tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber",
            ]) : "with an unknown selection.${key}"
          ],
          [
            for key in setsubtract(try(keys(rule.action), []), ["type", "targetStorageClass"]) :
            "with an unknown action.${key}"
          ],
          can(rule.description) && !can(regex("^\"", jsonencode(rule.description))) ? ["whose description is not text"] : [],

          # Tags
          contains(["tagged", "untagged", "any"], try(rule.selection.tagStatus, "")) ? [] : [
            "whose selection.tagStatus is not tagged, untagged or any",
          ],
          try(rule.selection.tagStatus == "tagged", false) && can(rule.selection.tagPatternList) == can(rule.selection.tagPrefixList) ? [
            "with tagStatus tagged, which needs one of tagPatternList and tagPrefixList",
          ] : [],
          try(rule.selection.tagStatus != "tagged", true) && (can(rule.selection.tagPatternList) || can(rule.selection.tagPrefixList)) ? [
            "with tagPatternList or tagPrefixList, which only tagStatus tagged takes",
          ] : [],
          flatten([
            for field in ["tagPatternList", "tagPrefixList"] : [
              !can(rule.selection[field]) || (can(rule.selection[field][0]) && alltrue([
                for tag in try(rule.selection[field], []) : can(regex("^\"[^\"]+\"$", jsonencode(tag)))
              ])) ? [] : ["whose ${field} is not a list of one or more texts"],
            ]
          ]),
          [
            for pattern in try(rule.selection.tagPatternList, []) :
            "with the tag pattern ${jsonencode(pattern)}, which has more than four wildcards"
            if length(regexall("\\*", jsonencode(pattern))) > 4
          ],

          # Counts
          contains(keys(local.count_type_actions), try(rule.selection.countType, "")) ? [] : [
            "whose selection.countType is none of ${join(", ", keys(local.count_type_actions))}",
          ],
          can(regex("^[1-9][0-9]*$", jsonencode(rule.selection.countNumber))) ? [] : [
            "whose selection.countNumber is not a whole number from 1",
          ],
          try(rule.selection.countType == "imageCountMoreThan", false) && can(rule.selection.countUnit) ? [
            "with countUnit, which imageCountMoreThan does not take",
          ] : [],
          can(regex("^since", rule.selection.countType)) && try(rule.selection.countUnit, "") != "days" ? [
            "with countType ${rule.selection.countType} and no countUnit \"days\"",
          ] : [],
          try(rule.selection.countType == "sinceImageTransitioned" && rule.selection.countNumber < 90, false) ? [
            "that expires archived images after ${jsonencode(rule.selection.countNumber)} days; they stay 90 days at least",
          ] : [],

          # Storage classes and actions
          contains(["standard", "archive"], try(rule.selection.storageClass, "standard")) ? [] : [
            "whose selection.storageClass is not standard or archive",
          ],
          try(rule.selection.countType == "sinceImageTransitioned", false) != try(rule.selection.storageClass == "archive", false) ? [
            "in which storageClass archive and countType sinceImageTransitioned do not go together",
          ] : [],
          contains(["expire", "transition"], try(rule.action.type, "")) ? [] : [
            "whose action.type is not expire or transition",
          ],
          contains(try(local.count_type_actions[rule.selection.countType], ["expire", "transition"]), try(rule.action.type, "expire")) ? [] : [
            "with countType ${rule.selection.countType} and action ${rule.action.type}; ECR takes only ${join(" or ", local.count_type_actions[rule.selection.countType])}",
          ],
          try(rule.action.type == "transition", false) && try(rule.action.targetStorageClass, "") != "archive" ? [
            "with action transition and no targetStorageClass \"archive\"",
          ] : [],
          try(rule.action.type == "expire", false) && can(rule.action.targetStorageClass) ? [
            "with action expire and a targetStorageClass",
          ] : [],
        )
      }
    ]
  }

  decoded_rules = {
    for where, text in local.given_policies : where => [
      for rule in try(jsondecode(text).rules, []) : rule if can(jsondecode(text).rules[0])
    ]
  }

  count_type_actions = {
    imageCountMoreThan     = ["expire", "transition"]
    sinceImagePulled       = ["transition"]
    sinceImagePushed       = ["expire", "transition"]
    sinceImageTransitioned = ["expire"]
  }
}
