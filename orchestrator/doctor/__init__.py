"""What is installed, found, reachable and permitted: one `Diagnosis` each, with what to do about it.

An edge over Terraform and AWS. A check that cannot be made says so (`unknown`); it is never reported as good or bad.

The stages: `machine` looks at this machine, `account` at an environment's file and account. `expiry` looks at its
lifecycle manager, `cluster` at its cluster. Each is asked for itself: one that fails keeps no other from being told.
"""
