"""One route table per environment; everything that sends image pulls to Amazon ECR is derived from it."""

__version__ = "0.1.0"
