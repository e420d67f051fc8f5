"""What was seen or heard of competitors."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {"observation_id": "B", "account_id": "A", "competitor_id": "Z", "observed_on": "2026-06-03"}
        | {"kind": "otif", "value": "0.9"}
    ],
    good={"observation_id": "BAD", "account_id": "K0001", "competitor_id": "Z", "observed_on": "2026-10-12"},
    breaks=(
        Break(
            "an observation at an account that is not in the master",
            {"competitor_observations": [{"observation_id": "BAD-1", "account_id": "K9001"}]},
            {"competitor_observations.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "an observation of a part that is not in the master",
            {"competitor_observations": [{"observation_id": "BAD-2", "product_id": "ZZZ"}]},
            {"competitor_observations.product_is_known": [{"product_id": "ZZZ", "row_count": 1}]},
        ),
        Break(
            "a price without a figure",
            {"competitor_observations": [{"observation_id": "BAD-3", "kind": "price"}]},
            {"competitor_observations.figures_are_given": [{"observation_id": "BAD-3", "kind": "price"}]},
        ),
        Break(
            "a share of 25",
            {"competitor_observations": [{"observation_id": "BAD-4", "kind": "share", "value": "25"}]},
            {
                "competitor_observations.shares_are_within_0_and_1": [
                    {"observation_id": "BAD-4", "kind": "share", "value": "25.0000"}
                ]
            },
        ),
    ),
)
