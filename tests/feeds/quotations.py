"""Quotations and their revisions."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {"quotation_id": "Q", "account_id": "A", "rfq_date": "2026-06-03", "quoted_date": "2026-06-10"}
        | {"quantity": "5", "unit_price": "2"}
    ],
    good={"quotation_id": "BAD", "account_id": "K0001", "rfq_date": "2026-10-12"},
    breaks=(
        Break(
            "a quotation of an account that is not in the master",
            {"quotations": [{"quotation_id": "BAD-1", "account_id": "K9001"}]},
            {"quotations.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a quotation for a part that is not in the master",
            {"quotations": [{"quotation_id": "BAD-2", "product_id": "ZZZ"}]},
            {"quotations.product_is_known": [{"product_id": "ZZZ", "row_count": 1}]},
        ),
        Break(
            "declined on the day before the request",
            {"quotations": [{"quotation_id": "BAD-3", "decision": "declined", "decided_date": "2026-10-11"}]},
            {
                "quotations.nothing_before_the_request": [
                    {"quotation_id": "BAD-3", "revision": 0, "rfq_date": "2026-10-12"}
                    | {"quoted_date": None, "decided_date": "2026-10-11"}
                ]
            },
        ),
        Break(
            "quoted without a price",
            {"quotations": [{"quotation_id": "BAD-4", "quoted_date": "2026-10-13", "quantity": "5"}]},
            {
                "quotations.offers_have_a_price_and_a_quantity": [
                    {"quotation_id": "BAD-4", "revision": 0, "unit_price": None, "quantity": "5.0000"}
                ]
            },
        ),
        Break(
            "a day of decision without a decision",
            {"quotations": [{"quotation_id": "BAD-5", "decided_date": "2026-10-13"}]},
            {"quotations.decisions_say_how": [{"quotation_id": "BAD-5", "revision": 0, "decided_date": "2026-10-13"}]},
        ),
        Break(
            "a second revision of another account",
            {
                "quotations": [
                    {"quotation_id": "BAD-6"},
                    {"quotation_id": "BAD-6", "revision": "1", "account_id": "K0002"},
                ]
            },
            {
                "quotations.revisions_agree": [
                    {"quotation_id": "BAD-6", "accounts": "K0001, K0002", "project_types": None}
                ]
            },
        ),
        Break(
            "declined on the 12th, and quoted once more on the 14th",
            {
                "quotations": [
                    {"quotation_id": "BAD-7", "decision": "declined", "decided_date": "2026-10-12"},
                    {"quotation_id": "BAD-7", "revision": "1", "quoted_date": "2026-10-14"}
                    | {"quantity": "5", "unit_price": "2"},
                ]
            },
            {
                "quotations.no_revision_after_the_decision": [
                    {"quotation_id": "BAD-7", "revision": 1, "quoted_date": "2026-10-14", "decided_date": "2026-10-12"}
                ]
            },
        ),
        Break(
            "a revision quoted on the 13th, and a decision of the 14th on the one before",
            {
                "quotations": [
                    {"quotation_id": "BAD-8", "decision": "declined", "decided_date": "2026-10-14"},
                    {"quotation_id": "BAD-8", "revision": "1", "quoted_date": "2026-10-13"}
                    | {"quantity": "5", "unit_price": "2"},
                ]
            },
            {
                "quotations.newest_revision_has_the_decision": [
                    {"quotation_id": "BAD-8", "revision": 0, "decision": "declined", "decided_date": "2026-10-14"}
                    | {"newest_revision": 1}
                ]
            },
        ),
    ),
)
