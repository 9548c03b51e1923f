"""The lifecycle manager's function: a thin handler over `orchestrator.lifecycle`."""
