"""What ECR storage costs, to say what an expiry saves. Pure.

US dollars for a GB (2^30 bytes) in a month, private repositories, standard storage, without free tier and discounts.
Source: aws.amazon.com/ecr/pricing, which lists one price for the commercial regions; China is billed in another
currency and is left out. Archive storage is left out too: give the difference with `--price`.
"""

from __future__ import annotations

DATE = "2026-07-01"
GB = 2**30
STANDARD = {"aws": 0.10, "aws-us-gov": 0.10}


def monthly_saving(size: int, price: float | None) -> float | None:
    """Dollars a month for `size` bytes; None without a price. Layers that images share are counted once for each."""
    return None if price is None else round(size / GB * price, 2)
