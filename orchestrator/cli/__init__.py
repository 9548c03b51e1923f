"""The `orchestrator` command: parse options, call, print. Wires the edges to the core and decides nothing itself."""
