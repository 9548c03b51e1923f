"""Scan findings: what an event means and what is told once. Pure, standard library only: packed into the Lambda."""
