################################################################################
# What ECR demands of a lifecycle policy
#
# The provider hands a policy on unread, so that a wrong one fails in the middle of an apply. Each rule below
# is one of the ECR user guide's ("Lifecycle policy properties"). The precondition of aws_ecr_lifecycle_policy
# reports them.
#
# Anything can stand in the JSON, and && and || evaluate both sides in older Terraform: what may be of
# another type than expected is read with try() and can().
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

  count_type_actions = {
    imageCountMoreThan     = ["expire", "transition"]
    sinceImagePulled       = ["transition"]
    sinceImagePushed       = ["expire", "transition"]
    sinceImageTransitioned = ["expire"]
  }

  ##############################################################################
  # Reading
  ##############################################################################

  policy_rules = {
    for where, text in local.given_policies : where => [
      for rule in try([for rule in jsondecode(text).rules : rule if startswith(jsonencode(jsondecode(text).rules), "[")], []) : {
        # As JSON: the number 5 and the text "5" differ there. "null" when absent, but no description is an empty one.
        description = try(jsonencode(rule.description), "\"\"")
        priority    = try(jsonencode(rule.rulePriority), "null")
        count       = try(jsonencode(rule.selection.countNumber), "null")

        # As text. Empty when absent or of another type.
        tag_status    = try(tostring(coalesce(rule.selection.tagStatus)), "")
        storage_class = can(rule.selection.storageClass) ? try(tostring(coalesce(rule.selection.storageClass)), "") : "standard"
        count_type    = try(tostring(coalesce(rule.selection.countType)), "")
        count_unit    = try(tostring(coalesce(rule.selection.countUnit)), "")
        action        = try(tostring(coalesce(rule.action.type)), "")
        target        = try(tostring(coalesce(rule.action.targetStorageClass)), "")

        # Which of the two lists there are, and their entries as JSON. Null when a list is none.
        tag_lists = {
          for field in ["tagPatternList", "tagPrefixList"] :
          field => try([for tag in rule.selection[field] : jsonencode(tag) if startswith(jsonencode(rule.selection[field]), "[")], null)
          if can(rule.selection[field])
        }

        unknown_keys = concat(
          sort(setsubtract(try(keys(rule), []), ["rulePriority", "description", "selection", "action"])),
          [for key in sort(setsubtract(try(keys(rule.selection), []), [
            "tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber",
          ])) : "selection.${key}"],
          [for key in sort(setsubtract(try(keys(rule.action), []), ["type", "targetStorageClass"])) : "action.${key}"],
        )
        has_count_unit = can(rule.selection.countUnit)
        has_target     = can(rule.action.targetStorageClass)
      }
    ]
  }

  # In characters: length() counts what a reader sees as one, such as an emoji of several.
  policy_lengths = { for where, text in local.given_policies : where => length(regexall("(?s:.)", text)) }

  # Keys that come more often than there are objects that have them. Inside a text the quotes would have backslashes.
  # jsondecode takes the last of two values, unless their types are too far apart: then it refuses the text.
  doubled_keys = {
    for where, text in local.given_policies : where => !can(jsondecode(text)) ? [] : [
      for key in [
        "rules", "rulePriority", "description", "selection", "action", "type", "targetStorageClass",
        "tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber",
      ] : key
      if length(regexall("\"${key}\"[ \t\r\n]*:", text)) > max(1, length(try(flatten([
        for rule in jsondecode(text).rules : [
          for object in [rule, try(rule.selection, null), try(rule.action, null)] : key if can(object[key])
        ]
      ]), [])))
    ]
  }

  ##############################################################################
  # Judging
  ##############################################################################

  rule_problems = {
    for where, rules in local.policy_rules : where => flatten([
      for rule in rules : [
        for problem, found in {
          "whose rulePriority is not a whole number from 1" = !can(regex("^[1-9][0-9]*$", rule.priority))
          "whose description is not text"                   = !startswith(rule.description, "\"")

          "whose selection.tagStatus is not tagged, untagged or any" = !contains(["tagged", "untagged", "any"], rule.tag_status)
          "with tagStatus tagged, which needs one of tagPatternList and tagPrefixList" = (
            rule.tag_status == "tagged" && length(rule.tag_lists) != 1
          )
          "with tagPatternList or tagPrefixList, which only tagStatus tagged takes" = (
            contains(["untagged", "any"], rule.tag_status) && length(rule.tag_lists) > 0
          )
          "whose tags are not a list of one or more texts of 1 to 128 letters, digits and ._- (in tagPatternList also *)" = anytrue([
            for field, tags in rule.tag_lists : tags == null || try(length(tags) == 0, false) || anytrue([
              for tag in coalesce(tags, []) : !can(regex(field == "tagPatternList" ? "^\"[A-Za-z0-9._*-]{1,128}\"$" : "^\"[A-Za-z0-9._-]{1,128}\"$", tag))
            ])
          ])
          "with a tag pattern of more than four wildcards" = anytrue([
            for pattern in try(coalesce(rule.tag_lists.tagPatternList, []), []) : length(regexall("\\*", pattern)) > 4
          ])

          "whose selection.countType is none of ${join(", ", keys(local.count_type_actions))}" = (
            !contains(keys(local.count_type_actions), rule.count_type)
          )
          "whose selection.countNumber is not a whole number from 1" = !can(regex("^[1-9][0-9]*$", rule.count))
          "with countUnit, which imageCountMoreThan does not take"   = rule.count_type == "imageCountMoreThan" && rule.has_count_unit
          "with countType ${rule.count_type} and no countUnit \"days\"" = (
            startswith(rule.count_type, "sinceImage") && rule.count_unit != "days"
          )
          "that expires archived images after ${rule.count} days; they stay 90 days at least" = (
            rule.count_type == "sinceImageTransitioned" && try(tonumber(rule.count) < 90, false)
          )

          "whose selection.storageClass is not standard or archive" = !contains(["standard", "archive"], rule.storage_class)
          "in which storageClass archive and countType sinceImageTransitioned do not go together" = (
            (rule.storage_class == "archive") != (rule.count_type == "sinceImageTransitioned")
          )

          "whose action.type is not expire or transition" = !contains(["expire", "transition"], rule.action)
          "with countType ${rule.count_type} and action ${rule.action}; ECR takes only ${join(" or ", try(local.count_type_actions[rule.count_type], []))}" = (
            contains(["expire", "transition"], rule.action)
            && !contains(try(local.count_type_actions[rule.count_type], [rule.action]), rule.action)
          )
          "with action transition and no targetStorageClass \"archive\"" = rule.action == "transition" && rule.target != "archive"
          "with action expire and a targetStorageClass"                  = rule.action == "expire" && rule.has_target

          "with unknown ${join(", ", rule.unknown_keys)}" = length(rule.unknown_keys) > 0
        } : "has a rule (rulePriority ${rule.priority}) ${problem}" if found
      ]
    ])
  }

  policy_problems = {
    for where, text in local.given_policies : where => concat(
      local.policy_lengths[where] < 100 || local.policy_lengths[where] > 30720 ? ["has ${local.policy_lengths[where]} characters; ECR takes 100 to 30720"] : [],
      can(jsondecode(text)) ? [] : ["is not JSON, or an object in it has a key twice"],
      [for key in local.doubled_keys[where] : "has an object with \"${key}\" more than once"],
      can(regex("\"(rulePriority|countNumber)\"[ \t\r\n]*:[ \t\r\n]*-?[0-9]+[.eE]", text)) ? [
        "has a rulePriority or countNumber that is not written as a whole number; ECR takes 5, and neither 5.0 nor 5e0"
      ] : [],
      can(jsondecode(text)) && length(local.policy_rules[where]) == 0 ? ["has no list of rules under \"rules\""] : [],
      [for key in sort(setsubtract(try(keys(jsondecode(text)), []), ["rules"])) : "has \"${key}\" beside \"rules\""],
      length(local.policy_rules[where]) > 50 ? ["has ${length(local.policy_rules[where])} rules; ECR takes 50"] : [],
      [
        for priority, rules in { for rule in local.policy_rules[where] : rule.priority => rule.action... } :
        "has ${length(rules)} rules with rulePriority ${priority}; each needs its own" if length(rules) > 1
      ],
      [
        for selection, priorities in {
          for rule in local.policy_rules[where] : "${rule.tag_status} for ${rule.storage_class} storage" => rule.priority...
          if contains(["any", "untagged"], rule.tag_status)
        } : "has more than one rule with tagStatus ${selection}" if length(priorities) > 1
      ],
      [
        for selection, priorities in {
          for rule in local.policy_rules[where] :
          jsonencode([rule.storage_class, { for field, tags in rule.tag_lists : field => sort(distinct(coalesce(tags, []))) }]) => rule.priority...
          if rule.tag_status == "tagged"
        } : "has rules (rulePriority ${join(", ", priorities)}) for the same tags; each needs its own" if length(priorities) > 1
      ],
      [
        for rule in local.policy_rules[where] : "has tagStatus any with rulePriority ${rule.priority}, which is not the highest"
        if rule.tag_status == "any" && anytrue([
          for other in local.policy_rules[where] :
          other.tag_status != "any" && other.storage_class == rule.storage_class
          && try(tonumber(other.priority) > tonumber(rule.priority), false)
        ])
      ],
      local.rule_problems[where],
    )
  }
}
