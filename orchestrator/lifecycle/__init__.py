"""Lifecycle policies: what they mean and what AWS accepts. Standard library only: the Lambda carries it.

The stages of a run: `manager` spreads its `tasks`. `work` does each of them: `evaluate` reads a repository as `units`, with
`cluster_use` and `retention`. `decide` says keep or expire. `expiry_guard` stops what is too much. `expire` deletes and
writes the `audit`. `ecr_policy` and `ecr_engine` are AWS's own rules, for checks and previews.
"""
