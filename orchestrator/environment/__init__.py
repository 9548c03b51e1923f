"""Text of tfvars files -> values with positions -> Environment. Pure."""
