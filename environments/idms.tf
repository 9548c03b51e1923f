# The ImageDigestMirrorSet of the routes. A repository keeps its whole name below the prefix of its route: quay.io/team/app
# is at <registry>/quay/team/app. Only the part that an upstream ECR's `upstream_repository_prefix` names is left out.

locals {
  # Sources that ROSA Classic's admission refuses.
  protected_sources = "^(quay\\.io|registry\\.access\\.redhat\\.com|registry\\.redhat\\.io)(/|$)"

  routes = concat(
    [for prefix, rule in var.pull_through_cache_rules : {
      prefix = prefix
      strip  = rule.upstream_repository_prefix == "ROOT" ? "" : coalesce(rule.upstream_repository_prefix, "/")
      source = rule.source != null ? rule.source : join("/", compact([
        rule.upstream_registry_url,
        rule.upstream_repository_prefix == "ROOT" ? "" : rule.upstream_repository_prefix,
      ]))
    }],
    [for prefix, mirror in var.mirrors : { prefix = prefix, strip = "/", source = mirror.source }],
  )

  # {source: mirror}, each source in the spelling of the node's image references.
  mirrors_by_source = {
    for route in local.routes : replace(replace(route.source, "/^(registry-1|index)\\.docker\\.io(\\/|$)/", "docker.io$2"), "/^k8s\\.gcr\\.io(\\/|$)/", "registry.k8s.io$1") => join("/", compact([
      local.registry_host,
      route.prefix == "ROOT" ? "" : route.prefix,
      trimsuffix(trimprefix("${join("/", slice(split("/", route.source), 1, length(split("/", route.source))))}/", "${route.strip}/"), "/"),
    ]))
  }

  idms = {
    apiVersion = "config.openshift.io/v1"
    kind       = "ImageDigestMirrorSet"
    metadata   = { name = "${var.cluster_name}-ecr" }
    spec = {
      # Terraform sorts the keys of an object.
      imageDigestMirrors = [
        for source, mirror in local.mirrors_by_source : {
          source             = source
          mirrors            = [mirror]
          mirrorSourcePolicy = var.allow_upstream ? "AllowContactingSource" : "NeverContactSource"
        }
        if !(var.platform == "rosa-classic" && can(regex(local.protected_sources, source)))
      ]
    }
  }
}
