"""What is to be copied into an environment's registry, and where it goes there. Pure: texts and values in, values out.

The stages: sources (`read`) -> Wish -> `choose` (tags of a repository) -> `place` (the route table) -> Copy. Sources are lists,
`orchestrator images`, CycloneDX, manifests, regsync, ImageSetConfiguration, and an environment's `mirror_images`. The copying is `oci`'s.
"""
