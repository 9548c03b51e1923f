"""`orchestrator swapper`: the admission webhook and what is asked about it."""
