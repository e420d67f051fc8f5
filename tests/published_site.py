"""A site with two months closed, for tests of what is published."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.site import FEEDS, Site
from tests.support import close_plainly, write_csv, write_site

AUGUST, SEPTEMBER, OCTOBER = (date(2026, month, 1) for month in (8, 9, 10))


def invoice(number: str, account: str, day: str, amount: float = 100) -> dict[str, Any]:
    return {"invoice_id": number, "account_id": account, "invoice_date": day, "due_date": day, "net_amount": amount}


GIVEN = {
    "accounts": [
        {"account_id": "A", "account_name": "Anton & Co", "account_manager": "Ito"},
        {"account_id": "B", "account_name": "Berta \\N", "account_manager": "Braun"},
    ],
    "invoices": [
        invoice("I8", "A", "2026-08-10", 70.10),
        invoice("J8", "B", "2026-08-11", 29.90),
        invoice("I9", "A", "2026-09-10"),
        invoice("I10", "A", "2026-10-10"),
    ],
}


def new_site(folder: Path, publish: dict[str, Any], **settings: dict[str, Any]) -> Site:
    return write_site(folder, GIVEN, settings={"publish": publish} | settings, feeds=list(GIVEN))


@pytest.fixture(scope="session")
def published_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """August and September are closed, in Parquet and as workbooks. Not to be changed: copy it."""
    site = new_site(tmp_path_factory.mktemp("books"), {"pack": False, "parquet": True, "xlsx": True})
    close_plainly(site, [AUGUST, SEPTEMBER])
    return site


def late(site: Site) -> None:
    """An invoice of September that comes late."""
    rows = [invoice("LATE", "A", "2026-09-20", 5)]
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, rows)
