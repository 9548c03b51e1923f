"""The functions: one folder each, packed by `orchestrator lambda package`. Nothing here is imported from elsewhere."""
