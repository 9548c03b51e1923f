"""Where ECR does not do what the OCI distribution specification offers, by the names of the conformance suite's tests.

All else must pass. `ends` is how the names of the tests end, or begin (`sha512/`); `outcome` what the suite calls it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deviation:
    """What ECR does in place of it, and who says so."""

    test: str
    outcome: str
    what: str
    source: str


DEVIATIONS = (
    Deviation(
        "blob-delete",
        "skipped",
        "It takes no DELETE of a layer.",
        "ECR API reference: BatchDeleteImage deletes images, no action deletes layers",
    ),
    # The roadmap calls DELETE of manifests shipped without a word on its behaviour: the embedded one has it not.
    Deviation("manifest-delete", "skipped", "Images are deleted by BatchDeleteImage.", "aws/containers-roadmap#1229"),
    Deviation("tag-delete", "skipped", "So are tags.", "ECR API reference: BatchDeleteImage with imageTag"),
    Deviation(
        "blob-post-only",
        "skipped",
        "A POST with the whole blob begins an upload (202), as the specification allows.",
        "ECR API reference: InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload",
    ),
    Deviation(
        "blob-mount-anonymous",
        "skipped",
        "A mount names its source, else an upload begins (202).",
        "ECR user guide, Blob mounting: mounts by the repositories of one registry",
    ),
    Deviation(
        "blob-mount",
        "skipped",
        "It mounts only layers of images that were put: one of an upload alone is uploaded again (202).",
        "aws/containers-roadmap#2860",
    ),
    *(
        Deviation(
            f"sha512/{test}",
            "failure",
            "Images are named by SHA-256: a manifest put by a SHA-512 digest is refused.",
            "ECR API reference, ImageDetail: imageDigest is the sha256 digest of the image manifest",
        )
        for test in ("push/manifest-by-digest", "head/manifest-head-by-digest", "pull/manifest-by-digest")
    ),
)
