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
