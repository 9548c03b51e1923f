"""Container images of this program, made without Docker: a base with Python, the locked packages, and the program itself."""
