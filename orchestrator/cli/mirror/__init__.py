"""`orchestrator mirror`, `warm` and `operators`: read what is wanted, show the plan, copy, report.

The stages: `gather` (or `catalogs`) reads wishes. `source_tags` makes references of them. `preconditions` refuses, `run` and
`warm_run` plan and copy. `show` prints. `archives` goes the same way through a file.
"""
