"""Where an image lives in ECR: references, upstreams, sources and the table that decides. Pure.

The stages: `reference` parses the text. `table` decides where it is pulled from. `scopes` tells the same decision as
the list of names that a mirror can carry. `build` makes the table of an environment.
"""
