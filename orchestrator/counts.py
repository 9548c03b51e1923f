"""A number with its noun, as people write it. Pure, standard library only.

The functions carry this too.
"""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 image`, `2 images`; `many` where the plural is not made by an s: `3 repositories`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
