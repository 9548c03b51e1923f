"""Terraform run well: working directory, runner, plan model, provider mirrors, shared providers.

An edge: this package starts processes and writes below the project's state directory. Nothing here reads an image
reference or decides a route.
"""
