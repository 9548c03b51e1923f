"""The function of scan findings: a thin handler over `orchestrator.findings`."""
