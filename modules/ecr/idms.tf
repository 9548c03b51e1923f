locals {
  # `oc mirror` copies registry.redhat.io/a/b to <destination>/a/b, so the whole source maps below the repository.
  operator_mirrors = [
    for source in ["registry.connect.redhat.com", "registry.redhat.io"] : {
      source               = source
      mirrors              = ["${local.registry_url}/${local.default_name}"]
      never_contact_source = false
    }
  ]

  idms_mirrors = var.idms_mirrors == null ? local.operator_mirrors : var.idms_mirrors

  idms = !var.generate_idms || var.protected_only || length(local.idms_mirrors) == 0 ? null : {
    apiVersion = "config.openshift.io/v1"
    kind       = "ImageDigestMirrorSet"
    metadata   = { name = "${trim(lower(replace(var.cluster_name, "_", "-")), "-")}-ecr" }
    spec = {
      imageDigestMirrors = [
        for entry in local.idms_mirrors : {
          source             = entry.source
          mirrors            = entry.mirrors
          mirrorSourcePolicy = entry.never_contact_source ? "NeverContactSource" : "AllowContactingSource"
        }
      ]
    }
  }
}
