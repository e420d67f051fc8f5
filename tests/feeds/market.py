"""Sizes of markets."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"month": "2026-06-01", "account_id": "A", "total_amount": "1000000"}],
    good={"month": "2026-10-01", "product_line": "mounts", "total_amount": "99999999", "source": "test"},
    breaks=(
        Break(
            "a market of an account that is not in the master",
            {"market": [{"account_id": "K9001"}]},
            {"market.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a market of a region in which no account is",
            {"market": [{"region": "Atlantis"}]},
            {"market.region_is_known": [{"region": "Atlantis", "row_count": 1}]},
        ),
        Break(
            "a market of a product line that is written in another way",
            {"market": [{"account_id": "K0012", "product_line": "Mounts"}]},
            {"market.product_line_is_known": [{"product_line": "Mounts", "row_count": 1}]},
        ),
        Break(
            "a market of an account in each of two regions",
            {
                "market": [
                    {"account_id": "K0013", "region": region, "source": "two regions"} for region in ("North", "South")
                ]
            },
            {
                "market.account_has_one_size": [
                    {"account_id": "K0013", "product_line": "mounts", "source": "two regions", "row_count": 2}
                ]
            },
        ),
        Break(
            "a market of all product lines beside one of them",
            {"market": [{"account_id": "K0011"}, {"account_id": "K0011", "product_line": ""}]},
            {"market.lines_or_all_together": [{"account_id": "K0011", "market_region": None}]},
        ),
        Break(
            "a market of one euro",
            {"market": [{"account_id": "K0009", "product_line": "", "total_amount": "1"}]},
            {
                "market.covers_our_sales": [
                    {"account_id": "K0009", "product_line": None, "total_amount": "1.00"},
                    # A broken invoice of K0001 is larger than the market, and than that of its region.
                    {"account_id": "K0001", "product_line": "hoses"},
                    {"market_region": "Central Europe", "product_line": "hoses"},
                ]
            },
        ),
        Break(
            "another source than a year before",
            {"market": [{"account_id": "K0014", "month": "2025-10-01", "source": "old"}, {"account_id": "K0014"}]},
            {
                "market.has_one_source_over_a_year": [
                    {
                        "account_id": "K0014",
                        "market_region": None,
                        "product_line": "mounts",
                        "source": "test",
                        "prior_year_source": "old",
                    }
                ]
            },
        ),
    ),
)
