"""Parts that are sold."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"product_id": "X"}],
    breaks=(
        Break(
            "a file without a byte",
            {"products": []},
            {"loads.no_source_refused": [{"feed": "products", "source": "landing/products_broken.csv"}]},
        ),
    ),
)
