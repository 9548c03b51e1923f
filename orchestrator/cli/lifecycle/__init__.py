"""The commands of `orchestrator lifecycle`."""
