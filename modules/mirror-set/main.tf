# A repository keeps its whole name below the prefix of its route: quay.io/team/app is at <registry>/quay/team/app. Only
# what an upstream ECR's `upstream_repository_prefix` names is left out. The longest source wins, and among equals an
# exclude. Sources are compared as text: one is below another when it continues it after a slash.

################################################################################
# Routes
################################################################################

locals {
  # `strip` is what the rule itself puts before a name.
  routes = concat(
    [for prefix, rule in var.pull_through_cache_rules : {
      prefix = prefix
      strip  = contains(["ROOT", ""], coalesce(rule.upstream_repository_prefix, "ROOT")) ? "" : rule.upstream_repository_prefix
      source = rule.source != null ? rule.source : trimsuffix("${rule.upstream_registry_url}/${rule.upstream_repository_prefix == "ROOT" ? "" : coalesce(rule.upstream_repository_prefix, "/")}", "/")
    }],
    [for prefix, mirror in var.mirrors : { prefix = prefix, strip = "", source = mirror.source }],
  )

  # One spelling for each registry: {as written: canonical}.
  canonical = {
    for source in distinct(concat([for route in local.routes : route.source], var.include, var.exclude)) :
    source => replace(replace(replace(trimsuffix(source, "/"), "/^(registry-1|index)\\.docker\\.io(\\/|$)/", "docker.io$2"), "/^k8s\\.gcr\\.io(\\/|$)/", "registry.k8s.io$1"), "/^ecr-public\\.aws\\.com(\\/|$)/", "public.ecr.aws$1")
  }
  included = [for source in var.include : local.canonical[source]]
  excluded = [for source in var.exclude : local.canonical[source]]
  routed   = { for route in local.routes : local.canonical[route.source] => route... }

  # {source that somebody wrote: source of the route that serves it, or ""}. Of the sources above one, the longest sorts last.
  serving = {
    for key in distinct(values(local.canonical)) : key => (
      length(local.included) == 0 || anytrue([for source in local.included : key == source || startswith(key, "${source}/")])
      ) ? try(
      [for route in [reverse(sort([for source in keys(local.routed) : source if key == source || startswith(key, "${source}/")]))[0]] : route
        if alltrue([for source in local.excluded : length(source) < length(route) if key == source || startswith(key, "${source}/")])
      ][0],
      "",
    ) : ""
  }

  # Those that say something else than the next wider one.
  scopes = {
    for key, route in local.serving : key => local.routed[route][0]
    if route != "" && route != try(local.serving[reverse(sort([for source in keys(local.serving) : source if startswith(key, "${source}/")]))[0]], "")
  }
}

################################################################################
# Mirrors
################################################################################

locals {
  # {source: mirror}, under every name that nodes may see. The space sorts a registry's paths right after it.
  mirror_locations = merge([
    for key, route in local.scopes : {
      for registry in concat(
        [split("/", key)[0]],
        lookup({ "docker.io" = ["registry-1.docker.io"], "registry.k8s.io" = ["k8s.gcr.io"], "public.ecr.aws" = ["ecr-public.aws.com"] }, split("/", key)[0], []),
        ) : replace("${registry}${trimprefix(key, split("/", key)[0])}", "/^([^\\/]+)\\//", "$1 ") => join("/", compact(concat(
          [var.registry_host, route.prefix == "ROOT" ? "" : route.prefix],
          split("/", trimprefix("${trimprefix(key, split("/", key)[0])}/", "/${route.strip}/")),
      )))
    }
  ]...)

  # ROSA Classic refuses mirror sets of these.
  refused_registries = var.platform == "rosa-classic" ? ["quay.io", "registry.access.redhat.com", "registry.redhat.io"] : []

  # What decides a route. Its digest tells whether a generated document is stale.
  route_settings = {
    allow_upstream    = var.allow_upstream
    digest_references = coalesce(var.digest_references, var.allow_upstream ? "leave" : "redirect")
    exclude           = sort(distinct(var.exclude))
    include           = sort(distinct(var.include))
    mirrors           = { for prefix, mirror in var.mirrors : prefix => mirror.source }
    registry          = var.registry_host
    rules = {
      for prefix, rule in var.pull_through_cache_rules :
      prefix => [rule.upstream_registry_url, rule.upstream_repository_prefix, rule.source]
    }
  }

  digest_mirror_set = {
    apiVersion = "config.openshift.io/v1"
    kind       = "ImageDigestMirrorSet"
    metadata = {
      name = "${replace(lower(var.cluster_name), "_", "-")}-ecr"
      labels = {
        "app.kubernetes.io/managed-by" = "orchestrator"
        "app.kubernetes.io/part-of"    = "ecr-pull-through"
        "app.kubernetes.io/instance"   = replace(substr(var.environment, 0, 63), "/[._-]+$/", "")
      }
      annotations = { "orchestrator/route-table" = "sha256:${sha256(jsonencode(local.route_settings))}" }
    }
    spec = {
      imageDigestMirrors = [
        for source, mirror in local.mirror_locations : {
          source             = replace(source, " ", "/")
          mirrors            = [mirror]
          mirrorSourcePolicy = var.allow_upstream ? "AllowContactingSource" : "NeverContactSource"
        }
        # OpenShift takes no IPv6 address as a source.
        if !startswith(source, "[") && !contains(local.refused_registries, split(" ", source)[0])
      ]
    }
  }
}
