"""Which months a run leaves alone without building them, and why it does not leave others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from expectations.site import rules_hash
from kam.close import Action, MonthPlan, newest_load, planned_months, steps
from kam.close.versions import keep_failure
from kam.site import FEEDS, Site, find_site
from kam.warehouse import warehouse
from tests.support import close_plainly, long, published, write_csv, write_site

APRIL, MAY, JUNE, JULY = (date(2026, month, 1) for month in (4, 5, 6, 7))
INVOICES = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6, 7)
]


@pytest.fixture
def site(site_folder: Path) -> Site:
    site = write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    close_plainly(site, [APRIL, MAY, JUNE])
    return site


def load(site: Site, name: str, invoice_date: str, net_amount: int, invoice_id: str = "LATE") -> None:
    row = {"invoice_id": invoice_id, "account_id": "A", "invoice_date": invoice_date, "net_amount": net_amount}
    write_csv(site.directory / "landing" / f"invoices_{name}.csv", FEEDS["invoices"].column_names, [row])


def planned(
    site: Site, months: Sequence[date], *, as_of_load: int | None = None, restate: bool = False, rules: str = ""
) -> list[MonthPlan]:
    with warehouse(site) as con:
        known = as_of_load or newest_load(con)
        return planned_months(con, site.settings, months, as_of_load=known, restate=restate, rules_hash=rules)


def actions(site: Site, months: Sequence[date], *, restate: bool = False) -> list[str]:
    return [month.action.value for month in planned(site, months, restate=restate)]


@long
def test_months_of_which_nothing_changed_are_skipped(site: Site) -> None:
    assert planned(site, [MAY, JUNE, JULY]) == [
        MonthPlan(MAY, Action.SKIP, 1, "nothing changed since version 1"),
        MonthPlan(JUNE, Action.SKIP, 1, "nothing changed since version 1"),
        MonthPlan(JULY, Action.CLOSE, 0, "never closed"),
    ]


@long
def test_a_month_whose_last_attempt_failed_is_built_again_although_no_row_changed(site: Site) -> None:
    with warehouse(site) as con:
        keep_failure(con, MAY, as_of_load=1, checks=(), controls=(), message="a rule that was made critical")
    assert planned(site, [MAY, JUNE]) == [
        MonthPlan(MAY, Action.COMPARE, 1, "the last attempt to close it failed"),
        MonthPlan(JUNE, Action.SKIP, 1, "nothing changed since version 1"),
    ]
    close_plainly(site, [MAY])
    assert actions(site, [MAY, JUNE]) == ["skip", "skip"]


@long
def test_a_month_that_was_built_again_with_the_same_figures_is_up_to_date(site: Site) -> None:
    # The total that a document states is checked and is in no table, but nothing says so before June is built.
    row = INVOICES[2] | {"invoice_total": 100}
    write_csv(site.directory / "landing" / "invoices_total.csv", FEEDS["invoices"].column_names, [row])
    steps.load_feed(site, "invoices")
    assert actions(site, [JUNE]) == ["compare"]
    assert [outcome.outcome for outcome in close_plainly(site, [JUNE])] == ["unchanged"]
    assert actions(site, [JUNE]) == ["skip"]


@long
def test_a_month_that_was_judged_by_other_rules_is_looked_at_again(site: Site) -> None:
    before = planned(site, [JUNE], rules=rules_hash(site))
    assert before == [MonthPlan(JUNE, Action.SKIP, 1, "nothing changed since version 1")]
    file = site.directory / "kam.toml"
    file.write_text(file.read_text() + '[checks."invoices.due_on_or_after_invoice_date"]\nseverity = "critical"\n')
    other = find_site(site.directory)
    assert planned(other, [JUNE], rules=rules_hash(other)) == [MonthPlan(JUNE, Action.COMPARE, 1, "the rules changed")]
    # What a site shows of its closed months is about figures only.
    assert actions(other, [JUNE]) == ["skip"]


@long
def test_a_load_without_changes_changes_nothing(site: Site) -> None:
    load(site, "again", "2026-04-10", 100, "I4")
    close_plainly(site, [APRIL])
    assert actions(site, [APRIL, MAY]) == ["skip", "skip"]


@long
def test_rows_that_came_since_have_the_months_built_that_may_read_them(site: Site) -> None:
    load(site, "late", "2026-06-20", 7)
    close_plainly(site, [JULY])
    assert planned(site, [APRIL, MAY, JUNE, JULY]) == [
        MonthPlan(APRIL, Action.SKIP, 1, "nothing changed since version 1"),
        MonthPlan(MAY, Action.SKIP, 1, "nothing changed since version 1"),
        MonthPlan(JUNE, Action.COMPARE, 1, "1 row of invoices in 1 load since version 1"),
        MonthPlan(JULY, Action.SKIP, 1, "nothing changed since version 1"),
    ]


@long
def test_a_month_whose_opening_got_another_version_is_built(site: Site) -> None:
    load(site, "late", "2026-06-20", 7)
    close_plainly(site, [JULY])
    close_plainly(site, [JUNE], restate=True)
    # July opened from version 1 of June, with the late invoice in a lane of its own.
    (july,) = planned(site, [JULY])
    assert (july.action, july.why) == (Action.COMPARE, "2026-06 has another version than the one it opened from")
    assert [(outcome.outcome, outcome.version) for outcome in close_plainly(site, [JULY])] == [("changed", 1)]


@long
def test_a_month_is_built_when_the_one_before_may_get_a_version_in_the_same_run(site: Site) -> None:
    load(site, "late", "2026-06-20", 7)
    close_plainly(site, [JULY])
    assert actions(site, [JUNE, JULY], restate=True) == ["compare", "compare"]
    # Without --restate June keeps its version, so July's opening stays.
    assert actions(site, [JUNE, JULY]) == ["compare", "skip"]


@long
def test_changed_settings_and_newly_declared_feeds_have_months_built(site: Site) -> None:
    file = site.directory / "kam.toml"
    before = file.read_text()
    file.write_text(before + "[receivables]\nbuckets = [10, 20]\n")
    (month,) = planned(find_site(site.directory), [APRIL])
    assert (month.action, month.why) == (Action.COMPARE, "the settings changed")
    file.write_text(before + '[feeds.payments]\nfiles = "landing/payments*.csv"\n')
    (month,) = planned(find_site(site.directory), [APRIL])
    assert (month.action, month.why) == (Action.COMPARE, "the settings changed")
    # How runs go decides no figure.
    file.write_text(before + "[run]\nmonths_at_once = 1\n")
    assert actions(find_site(site.directory), [APRIL]) == ["skip"]


@long
def test_a_rating_rule_changed_from_july_on_changes_no_month_before(site_folder: Path) -> None:
    line = {"account_id": "A", "quantity": 1000, "rejected_quantity": 1}
    orders = [
        line | {"order_id": f"O{month}", "order_date": f"2026-0{month}-01", "promised_date": f"2026-0{month}-20"}
        | {"delivered_date": f"2026-0{month}-20"}
        for month in (6, 7)
    ]  # fmt: skip
    site = write_site(site_folder, {"orders": orders}, feeds=["orders"])
    close_plainly(site, [JUNE, JULY])
    file = site.directory / "kam.toml"
    steps_from_july = '[[rating.changes]]\nvalid_from = "2026-07"\nppm_steps = [[1000, 50]]\n'
    file.write_text(file.read_text() + steps_from_july)
    site = find_site(site.directory)
    assert [(month.action.value, month.why) for month in planned(site, [JUNE, JULY])] == [
        ("skip", "nothing changed since version 1"),
        ("compare", "the settings changed"),
    ]
    outcomes = close_plainly(site, [JUNE, JULY])
    assert [(outcome.outcome, outcome.version) for outcome in outcomes] == [("unchanged", 1), ("changed", 1)]
    (restated,) = close_plainly(site, [JULY], restate=True)
    assert restated.version == 2
    query = "SELECT own_score FROM reporting.vendor_rating WHERE dimension = 'quality' ORDER BY period_month"
    # 1 of 1,000 pieces is 1,000 ppm: no points by the first rules.
    assert [row["own_score"] for row in published(site, query)] == [0, 50]


@long
def test_older_knowledge_than_the_version_has_the_month_built(site: Site) -> None:
    load(site, "late", "2026-06-20", 7)
    close_plainly(site, [JULY])
    (july,) = planned(site, [JULY], as_of_load=1)
    assert (july.action, july.why) == (Action.COMPARE, "version 1 knows 1 row of invoices in 1 load more")
