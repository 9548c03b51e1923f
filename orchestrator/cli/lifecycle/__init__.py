"""The commands of `orchestrator lifecycle`.

The stages: `equipment` gathers settings, session and registry. `run_storage` says where snapshots are and the audit goes,
the core decides. `collector` keeps what it finds, and `preview` or `printing` shows it. `resume` takes up a run again.
"""
