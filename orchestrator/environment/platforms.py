"""What a cluster runs on. Apart from the model, so that a command can name them without importing pydantic. Pure."""

PLATFORMS = ("eks", "rosa-classic", "rosa-hcp")
