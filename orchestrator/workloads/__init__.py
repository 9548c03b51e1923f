"""Image references in what people deploy. Pure: objects in, uses out."""

from orchestrator.workloads.in_cluster import ClusterImages, ImageUse, images_of, uses_of

__all__ = ["ClusterImages", "ImageUse", "images_of", "uses_of"]
