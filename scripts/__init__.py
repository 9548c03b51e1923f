"""Checks and demonstrations that the Makefile runs."""
