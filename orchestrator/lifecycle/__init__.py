"""Lifecycle policies: what they mean and what AWS accepts. Standard library only: the Lambda carries it."""
