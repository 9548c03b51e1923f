"""Text of tfvars files -> values with positions -> Environment. Pure.

The stages: `tfvars` reads text into values with their lines, and merges files as Terraform does. `model` and `parts`
hold these values; the markers beside their fields say what each may be.
"""
