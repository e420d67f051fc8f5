"""Business months that are not calendar months, such as 4-4-5; absent = calendar months."""

from __future__ import annotations

from calendar import monthrange

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"period_month": "2026-06-01", "start_date": "2026-06-01", "end_date": "2026-06-30"}],
    breaks=(
        Break(
            "November begins on the 2nd, so the 1st is in no month",
            {"calendar": [{"period_month": "2026-11-01", "start_date": "2026-11-02", "end_date": "2026-11-30"}]},
            {
                "calendar.months_follow_each_other": [
                    {"start_date": "2026-11-02", "end_date": "2026-11-30", "previous_end_date": "2026-10-31"}
                ]
            },
        ),
        Break(
            "March 2027, the last month of the fiscal year, ends in May",
            {"calendar": [{"period_month": "2027-03-01", "start_date": "2027-03-01", "end_date": "2027-05-15"}]},
            {"calendar.year_has_at_most_53_weeks": [{"fiscal_year": 2027, "last_date": "2027-05-15"}]},
        ),
    ),
    extract=[
        {
            "period_month": f"2026-{month:02}-01",
            "start_date": f"2026-{month:02}-01",
            "end_date": f"2026-{month:02}-{monthrange(2026, month)[1]}",
        }
        for month in range(1, 13)
    ],
)
