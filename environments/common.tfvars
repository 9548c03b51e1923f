# What every environment shares. An environment's own file comes after this one, and what it sets wins, variable by
# variable: a map is replaced, not merged.

tags = {
  Project   = "ecr-pull-through"
  ManagedBy = "terraform"
}

# Own repositories.
image_tag_mutability     = "MUTABLE"
scan_on_push             = true
lifecycle_policy_enabled = true
lifecycle_untagged_days  = 14
lifecycle_keep_count     = 30

# Namespaces whose Pods admission policies leave alone: what a cluster needs before policies can run.
exclude_namespaces = ["kube-system", "kube-public", "kube-node-lease", "openshift-*", "redhat-*", "kyverno"]

# Pods that admission policies leave alone, by label (exclude_pods): without a list of your own, those of operators that compare
# images and would remake redirected Pods for ever. docs/custom-resources.md has them, with the field to write instead.
