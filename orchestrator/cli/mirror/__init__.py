"""`orchestrator mirror` and `warm`: read what is wanted, show the plan, copy, report."""
