"""Container images of this program, made without Docker: a base with Python, the locked packages, and the program itself.

programs (which image) -> derived_program (the base's Python, its layers) -> contents (files by pip) -> a source for `oci`
"""
