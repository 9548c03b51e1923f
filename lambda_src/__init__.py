"""The functions: one folder each, packed by `orchestrator lambda package`. Nothing here is imported from elsewhere.

The stages of a call: `handler` makes ports and settings of the runtime. It hands the event to a pure core. It gives back
what that core answers.
"""
