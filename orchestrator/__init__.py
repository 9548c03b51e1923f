"""One route table per environment; everything that sends image pulls to Amazon ECR is derived from it.

The stages: `environment` and `checks` load tfvars into an `Environment`. `routes` makes its table, and what follows asks
that table: `manifests`, `workloads`, `mirroring` with `oci`, `swapper`, `terraform`. docs/architecture.md has the picture.
"""

__version__ = "0.1.0"
