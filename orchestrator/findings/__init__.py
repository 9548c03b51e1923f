"""Scan findings: what an event means and what is told once. Pure, standard library only: packed into the Lambda.

The stages: `event` reads what ECR or Inspector sent. `report` asks the ports for scans and findings. `records` says what was
told before, `image_user` who runs the image. `message` makes the text that `report` publishes.
"""
