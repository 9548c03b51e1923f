"""The functions in AWS: their packages, and what an environment tells them.

The stages: `package` makes each zip out of sources. `variables` makes of an `Environment` the settings that the modules
write into the function. A command uses the same ones.
"""
