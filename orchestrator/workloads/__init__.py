"""Image references in what people deploy. Pure: objects in, uses out.

The stages for files: `find` gives text to its format's finder (`formats`). That answers with a `place` for each image;
`edits` asks the table and says which characters change. For clusters: `in_cluster` reads objects, by the table of
`fields`; `verification` and `pull_failures` say what is wrong with Pods.
"""

from orchestrator.workloads.in_cluster import ClusterImages, ImageUse, images_of, uses_of

__all__ = ["ClusterImages", "ImageUse", "images_of", "uses_of"]
