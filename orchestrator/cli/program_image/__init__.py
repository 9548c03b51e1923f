"""The commands that make images of this program: `swapper image` and `command-image`."""
