"""Audits, certificates, awards, surveys and programmes."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {"assessment_id": "E", "account_id": "A", "kind": "audit", "assessed_on": "2026-06-03"}
        | {"points": "9", "max_points": "10"}
    ],
    good={"assessment_id": "BAD", "account_id": "K0001", "kind": "audit", "assessed_on": "2026-10-12"},
    breaks=(
        Break(
            "an audit of an account that is not in the master",
            {"assessments": [{"assessment_id": "BAD-1", "account_id": "K9001"}]},
            {"assessments.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "11 points of 10",
            {"assessments": [{"assessment_id": "BAD-2", "points": "11", "max_points": "10"}]},
            {
                "assessments.points_within_maximum": [
                    {"assessment_id": "BAD-2", "criterion": "overall", "points": "11.0000", "max_points": "10.0000"}
                ]
            },
        ),
        Break(
            "points of nobody knows how many",
            {"assessments": [{"assessment_id": "BAD-3", "points": "11"}]},
            {
                "assessments.points_have_a_maximum": [
                    {"assessment_id": "BAD-3", "criterion": "overall", "points": "11.0000"}
                ]
            },
        ),
        Break(
            "valid until the day before it was given",
            {"assessments": [{"assessment_id": "BAD-4", "valid_until": "2026-10-11"}]},
            {
                "assessments.valid_after_assessed": [
                    {
                        "assessment_id": "BAD-4",
                        "criterion": "overall",
                        "assessed_on": "2026-10-12",
                        "valid_until": "2026-10-11",
                    }
                ]
            },
        ),
    ),
)
