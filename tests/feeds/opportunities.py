"""Sales opportunities."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"opportunity_id": "P", "account_id": "A", "recorded_on": "2026-06-03", "value": "1"}],
    good={"opportunity_id": "BAD", "account_id": "K0001", "recorded_on": "2026-10-12", "value": "1"},
    breaks=(
        Break(
            "an opportunity of an account that is not in the master",
            {"opportunities": [{"opportunity_id": "BAD-1", "account_id": "K9001"}]},
            {"opportunities.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a closing date without an outcome",
            {"opportunities": [{"opportunity_id": "BAD-2", "closed_on": "2026-10-11"}]},
            {
                "opportunities.closed_ones_have_an_outcome": [
                    {"opportunity_id": "BAD-2", "recorded_on": "2026-10-12", "closed_on": "2026-10-11"}
                ]
            },
        ),
        Break(
            "won on the day after the record",
            {"opportunities": [{"opportunity_id": "BAD-3", "outcome": "won", "closed_on": "2026-10-13"}]},
            {
                "opportunities.closed_by_the_day_of_the_record": [
                    {"opportunity_id": "BAD-3", "recorded_on": "2026-10-12", "closed_on": "2026-10-13"}
                ]
            },
        ),
        Break(
            "lost on 11 September, recorded on 12 October",
            {"opportunities": [{"opportunity_id": "BAD-4", "outcome": "lost", "closed_on": "2026-09-11"}]},
            {
                "opportunities.closings_are_recorded_in_time": [
                    {"opportunity_id": "BAD-4", "recorded_on": "2026-10-12", "closed_on": "2026-09-11"}
                ]
            },
        ),
    ),
)
