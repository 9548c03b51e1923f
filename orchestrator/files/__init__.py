"""Files of this machine: written whole or not at all, folders that one command holds, and storage in a folder.

The stages of a rewrite: `tree` reads files with what is needed to write them back. `image_scan` finds their images on both
cores. `kustomize_tree` sees what hangs together. `image_rewrite` makes the new texts. `replace` puts them in place.
"""
