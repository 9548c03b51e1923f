"""What is to be copied into an environment's registry, and where it goes there. Pure: texts and values in, values out.

The stages: sources (`read`: lists, `orchestrator images`, CycloneDX, manifests, regsync, ImageSetConfiguration, an environment's
`mirror_images`) -> Wish -> `choose` (tags of a repository) -> `place` (the route table) -> Copy. The copying is `oci`'s.
"""
