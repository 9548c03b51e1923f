"""The `orchestrator` command: parse options, call, print. Wires the edges to the core and decides nothing itself.

The stages of a call: `main` imports the one command, its options (`options`, `project_option`) name a project and its
environments. `project_session` opens AWS where it is needed, the command calls the core and prints. `main` prints errors.
"""
