"""What is installed, found, reachable and permitted: one `Finding` each, with what to do about it.

An edge over Terraform and AWS. A check that cannot be made says so (`unknown`); it is never reported as good or bad.
"""
