"""Terraform run well: working directory, runner, plan model, provider mirrors, shared providers.

An edge: this package starts processes and writes below the project's state directory. Nothing here reads an image
reference or decides a route.

The stages: `opening` prepares an environment (`workdir`, `providers`, `initialise`). `planner` reads state, journal, AWS and
Terraform's plan into one `Planned`. `judge` refuses or asks for consent. `execute` runs exactly that plan. `operations`
are these stages for each command, `fleet` for several environments.
"""
