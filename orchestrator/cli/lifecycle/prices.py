"""What ECR storage costs, to say what an expiry saves. Pure.

US dollars for a GB (2^30 bytes) in a month, private repositories, without free tier and discounts. Source:
aws.amazon.com/ecr/pricing and the AWS Price List of us-east-1 and ap-northeast-1, which list one price for the
commercial regions. China is billed in another currency and is left out.

The archive is billed like standard storage up to 150 TB a month (0.07 above), for 90 days at least. Bringing an image
back costs 0.03 a GB. Archiving is reversible, but it saves nothing before that.
"""

from __future__ import annotations

DATE = "2026-03-22"
GB = 2**30
STANDARD = {"aws": 0.10, "aws-us-gov": 0.10}
ARCHIVE_SAVES_ABOVE_TB = 150


def monthly_saving(size: int, price: float | None) -> float | None:
    """Dollars a month for `size` bytes; None without a price. Layers that images share are counted once for each.

    Not rounded to cents: what many small repositories save would not add up.
    """
    return None if price is None else round(size / GB * price, 6)
