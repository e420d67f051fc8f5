"""Figures of the economy."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"indicator": "vehicles", "month": "2026-06-01", "value": "1", "unit": "1,000"}],
    good={"indicator": "bad", "month": "2026-10-01", "value": "1"},
    breaks=(
        Break(
            "an indicator in another unit than a year before",
            {"indicators": [{"month": "2025-10-01", "unit": "EUR per kg"}, {"unit": "EUR per t"}]},
            {
                "indicators.unit_stays_the_same": [
                    {"indicator": "bad", "unit": "EUR per t", "prior_year_unit": "EUR per kg"}
                ]
            },
        ),
    ),
)
