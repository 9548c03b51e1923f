"""Every figure that the README quotes, each repeated by one command: `python -m benchmarks.<name>`."""
