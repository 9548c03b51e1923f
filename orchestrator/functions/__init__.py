"""The functions in AWS: their packages, and what an environment tells them."""
