output "digest_mirror_set" {
  description = "The ImageDigestMirrorSet of the routes."
  value       = local.digest_mirror_set
}

output "digest_mirror_set_yaml" {
  description = "The same as YAML, for `oc apply`."
  value       = yamlencode(local.digest_mirror_set)
}

output "upstream_names" {
  description = "The name that ECR puts before an image's below a rule's prefix, by prefix: `{quay = \"quay.io\"}`. A rule's `source` may be narrower."
  value = {
    for route in local.routes :
    route.prefix => join("/", compact([split("/", local.canonical[route.source])[0], route.strip]))
    if contains(keys(var.pull_through_cache_rules), route.prefix)
  }
}
