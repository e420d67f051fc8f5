"""Customer accounts: the master data that names them and says how they pay."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"account_id": "A"}],
    breaks=(
        Break(
            "an account whose parent is not in the master",
            {"accounts": [{"account_id": "K8001", "parent_account_id": "K9999"}]},
            {"accounts.parent_is_known": [{"account_id": "K8001", "parent_account_id": "K9999"}]},
        ),
        Break(
            "two accounts that are each other's parent",
            {
                "accounts": [
                    {"account_id": "K8002", "parent_account_id": "K8003"},
                    {"account_id": "K8003", "parent_account_id": "K8002"},
                ]
            },
            {
                "accounts.parents_form_no_circle": [
                    {"account_id": "K8002", "parent_account_id": "K8003"},
                    {"account_id": "K8003", "parent_account_id": "K8002"},
                ]
            },
        ),
    ),
)
