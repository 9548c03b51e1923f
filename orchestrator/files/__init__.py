"""Files of this machine: written whole or not at all, folders that one command holds, and storage in a folder."""
