"""Planned sales."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase, Row

A_YEAR = [*(f"2026-{month:02}-01" for month in range(4, 13)), *(f"2027-{month:02}-01" for month in range(1, 4))]


def year(plan_version: str, **columns: str) -> list[Row]:
    """A plan of 1 for each month of the fiscal year."""
    return [{"plan_version": plan_version, "month": month, "amount": "1"} | columns for month in A_YEAR]


CASE = FeedCase(
    clean=[
        {"plan_version": "B", "month": f"2026-{month:02}-01", "account_id": "A", "amount": "100"}
        for month in range(1, 13)
    ],
    breaks=(
        Break(
            "a plan of the whole year, half of it by account and half by part",
            {"sales_plan": [*year("MIXED", account_id="K0001")[:6], *year("MIXED", product_id="HOS-0002")[6:]]},
            {"sales_plan.version_has_one_grain": [{"plan_version": "MIXED", "grains": "account_id and product_id"}]},
        ),
        Break(
            "a plan of eleven months: March 2027 is missing",
            {"sales_plan": year("ELEVEN", account_id="K0001")[:-1]},
            {
                "sales_plan.complete_for_the_year": [
                    {"plan_version": "ELEVEN", "fiscal_year": 2027, "planned_months": 11, "missing_months": "2027-03"}
                ]
            },
        ),
        Break(
            "one line of the annual plan sent again in May; it was due on 31 March",
            {
                "sales_plan": [
                    {
                        "plan_version": "AOP FY2027",
                        "month": "2026-10-01",
                        "account_id": "K0001",
                        "product_id": "HOS-0002",
                        "quantity": "1",
                        "unit_price": "1",
                        "currency": "EUR",
                        "submitted_at": "2026-05-02 10:00:00",
                    }
                ]
            },
            {
                "sales_plan.submitted_on_time": [
                    {"plan_version": "AOP FY2027", "due_date": "2026-03-31", "submitted_at": "2026-05-02 10:00:00"}
                ]
            },
        ),
        Break(
            "a plan for an account and a part that are not in the masters",
            {"sales_plan": year("UNKNOWN", account_id="K9001", product_id="SEA-8888")},
            {
                "sales_plan.account_is_known": [{"account_id": "K9001", "row_count": 1}],
                "sales_plan.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}],
                # So do the two above that plan one account only.
                "sales_plan.covers_the_sales": [
                    {"plan_version": version} for version in ("MIXED", "ELEVEN", "UNKNOWN")
                ],
            },
        ),
    ),
)
