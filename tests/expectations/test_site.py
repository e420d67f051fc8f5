"""What a site changes in the rules, and the rules that it adds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from expectations.site import own_suites, require_valid, suites_of_feeds
from kam.cli.check import check_site
from kam.close import steps
from kam.errors import KamError, SettingsError
from kam.periods import parse_month
from kam.site import Site
from kam.warehouse import open_read_only, rows
from tests.support import close_plainly, long, published, write_site

JUNE = parse_month("2026-06")
DUE_BEFORE_ISSUE = "invoices.due_on_or_after_invoice_date"


def invoices(*due: str) -> list[dict[str, Any]]:
    return [
        {
            "invoice_id": f"R-{number}",
            "line_no": 1,
            "account_id": "A",
            "invoice_date": "2026-06-10",
            "due_date": date,
            "net_amount": 100,
        }
        for number, date in enumerate(due, start=1)
    ]


def site_with(
    folder: Path, given: Sequence[dict[str, Any]], checks: dict[str, dict[str, Any]] | None = None, **own: str
) -> Site:
    settings = {f'checks."{name}"': values for name, values in (checks or {}).items()}
    site = write_site(folder, {"invoices": given}, settings=settings, feeds=["invoices"])
    for name, sql in own.items():
        site.checks.mkdir(exist_ok=True)
        (site.checks / f"{name}.sql").write_text(sql, encoding="utf-8")
    return site


def close(site: Site) -> str:
    (outcome,) = close_plainly(site, [JUNE], with_checks=True)
    return outcome.outcome + (f": {outcome.message}" if outcome.message else "")


def quality(site: Site, rule: str) -> dict[str, Any]:
    (row,) = published(site, f"FROM reporting.data_quality WHERE check_name = '{rule}'")
    return row


@long
def test_a_site_takes_a_rule_more_gravely(site_folder: Path) -> None:
    site = site_with(site_folder, invoices("2026-06-09"), {DUE_BEFORE_ISSUE: {"severity": "critical"}})

    assert "1 invoice is due before its own date" in close(site)

    row = quality(site, DUE_BEFORE_ISSUE)
    assert (row["severity"], row["success"], row["failed_count"]) == ("critical", False, 1)


@long
def test_a_site_allows_some_rows_to_break_a_rule(site_folder: Path) -> None:
    broken = invoices("2026-06-09", "2026-06-08", "2026-07-10")
    site = site_with(site_folder, broken, {DUE_BEFORE_ISSUE: {"severity": "critical", "threshold": 2}})

    assert close(site) == "closed"

    row = quality(site, DUE_BEFORE_ISSUE)
    assert (row["success"], row["failed_count"], row["threshold"]) == (True, 2, Decimal(2))
    assert row["threshold_meaning"] == "rows per month that may break the rule"


@long
def test_one_row_more_than_allowed_fails(site_folder: Path) -> None:
    broken = invoices("2026-06-09", "2026-06-08", "2026-06-07")
    site = site_with(site_folder, broken, {DUE_BEFORE_ISSUE: {"severity": "critical", "threshold": 2}})

    assert "3 invoices are due before their own date (2 allowed): (invoice_id R-1" in close(site)


@long
def test_a_rule_that_is_off_is_not_run(site_folder: Path) -> None:
    site = site_with(site_folder, invoices("2026-06-09"), {DUE_BEFORE_ISSUE: {"severity": "off"}})

    assert DUE_BEFORE_ISSUE not in {rule.name for suite in suites_of_feeds(site) for rule in suite.rules}
    assert close(site) == "closed"
    assert published(site, f"FROM reporting.data_quality WHERE check_name = '{DUE_BEFORE_ISSUE}'") == []


@long
def test_other_severities_do_not_make_a_closed_month_stale(site_folder: Path) -> None:
    site = site_with(site_folder, invoices("2026-07-09"))
    assert close(site) == "closed"

    again = site_with(site_folder, invoices("2026-07-09"), {DUE_BEFORE_ISSUE: {"severity": "critical"}})

    assert close(again) == "unchanged"


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("invoices.has_row", {"severity": "info"}, r"no such rule. Did you mean 'invoices.has_rows'\?"),
        ("invoices.key_is_unique", {"severity": "info"}, "proves that figures tie, and cannot be changed"),
        ("receivables_rollforward.difference_is_zero", {"threshold": 5}, "cannot be changed"),
        (DUE_BEFORE_ISSUE, {"threshold": 1.5}, "a whole number of rows that may break the rule, not 1.5"),
        (DUE_BEFORE_ISSUE, {"severity": "grave"}, "severity: input should be 'critical', 'warning', 'info' or 'off'"),
        (DUE_BEFORE_ISSUE, {"threshold": -1}, "threshold: input should be greater than or equal to 0"),
        (DUE_BEFORE_ISSUE, {"treshold": 1}, "treshold: unknown key. Did you mean 'threshold'"),
    ],
)
def test_a_wrong_change_is_refused_with_its_place(
    site_folder: Path, name: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        require_valid(site_with(site_folder, [], {name: values}))
    assert "kam.toml" in str(refused.value)
    assert name in str(refused.value)


SMALL = """
-- invariant: No invoice is below 50.
-- if it fails: small invoices cost more than they bring; agree on a minimum order value.
-- severity: critical
-- owner: Sales desk
SELECT days.period_month, invoices.invoice_id, invoices.net_amount
FROM core.invoices AS invoices
JOIN core.days AS days ON days.calendar_date = invoices.invoice_date
WHERE invoices.net_amount < 50
"""


def test_a_site_adds_a_rule(site_folder: Path) -> None:
    given = [*invoices("2026-07-09"), {**invoices("2026-07-09")[0], "invoice_id": "R-2", "net_amount": 49.99}]
    site = site_with(site_folder, given, no_small_invoices=SMALL)

    assert (
        "1 row: an invoice is below 50: (invoice_id R-2, net_amount 49.9900).\n"
        "    Small invoices cost more than they bring; agree on a minimum order value. [site.no_small_invoices]"
    ) in close(site)

    row = quality(site, "site.no_small_invoices")
    assert (row["owner"], row["suite"], row["checked_count"], row["failed_count"]) == ("Sales desk", "site", 1, 1)


@long
def test_a_rule_without_a_month_concerns_every_month_and_may_read_the_result_tables(site_folder: Path) -> None:
    sql = """
-- invariant: Nobody owes more than 150.
-- if it fails: call them.
-- keys: account_id
SELECT account_id, sum(outstanding_amount) AS amount FROM build.receivables_ageing GROUP BY ALL HAVING amount > 150
"""
    site = site_with(site_folder, invoices("2026-07-09", "2026-07-09"), debt=sql)

    assert close(site) == "closed"

    row = quality(site, "site.debt")
    assert (row["severity"], row["failed_count"], row["sample_keys"]) == (
        "warning",
        1,
        '[{"period_month": null, "account_id": "A"}]',
    )


def test_a_rule_of_a_site_that_needs_an_undeclared_feed_is_left_out(site_folder: Path) -> None:
    site = site_with(site_folder, invoices("2026-07-09"), small=SMALL.replace("-- owner", "-- needs: visits\n-- owner"))

    assert own_suites(site) == ()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1", "small.sql: the header lacks `-- invariant: …`"),
        (
            SMALL.replace("if it fails", "if fails"),
            "small.sql: if fails: no such field in a header. Did you mean 'if it fails'",
        ),
        (
            SMALL.replace("critical", "grave"),
            "small.sql: severity: expected one of critical, warning, info, not 'grave'",
        ),
        (SMALL + "; DROP TABLE staging.invoices", "small.sql: expected one SELECT"),
        (SMALL.replace("SELECT days", "SELEKT days"), "small.sql: Parser Error"),
        (
            SMALL.replace("-- owner", "-- threshold: some\n-- owner"),
            "threshold: expected a whole number of rows, or a number",
        ),
        (SMALL.replace("-- owner", "-- needs: invoice\n-- owner"), "needs: no such feed 'invoice'"),
        ("", "small.sql: expected one SELECT"),
        (SMALL.replace("-- owner", "-- treshold: 5\n-- owner"), "treshold: no such field in a header. Did you mean"),
    ],
)
def test_a_malformed_rule_of_a_site_is_refused_before_anything_is_loaded(
    site_folder: Path, sql: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said.replace("(", r"\(")):
        require_valid(site_with(site_folder, [], small=sql))


@long
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (SMALL.replace("core.invoices", "core.bills"), r"small\.sql: Catalog Error: .*bills"),
        (SMALL.replace("-- owner", "-- keys: invoice\n-- owner"), "keys: the SELECT has no column 'invoice'; it has"),
        (
            SMALL.replace("core.invoices", "'/etc/hostname'"),
            "it reads /etc/hostname. A rule sees tables and views only",
        ),
        (SMALL.replace("core.invoices", "read_text('/etc/hosts')"), r"it reads read_text\(\)"),
        (SMALL.replace("core.invoices", "query('FROM x')"), r"it reads query\(\)"),
    ],
)
def test_a_rule_of_a_site_that_cannot_be_run_stops_the_close(site_folder: Path, sql: str, said: str) -> None:
    site = site_with(site_folder, invoices("2026-07-09"), small=sql)

    with pytest.raises(KamError, match=said):
        close(site)
    (fault,) = check_site(site).refused
    assert re.search(said, fault)


@long
def test_an_attempt_that_fails_is_on_record_until_one_does_not(site_folder: Path) -> None:
    site = site_with(site_folder, invoices("2026-06-09"), {DUE_BEFORE_ISSUE: {"severity": "critical"}})
    close(site)

    (failed,) = published(site, "FROM reporting.failed_closes")
    assert (failed["period_month"], failed["last_version"], failed["as_of_load"]) == (JUNE, 0, 1)
    assert "1 invoice is due before its own date" in failed["message"]
    assert quality(site, DUE_BEFORE_ISSUE)["close_version"] is None
    (key,) = published(site, f"FROM reporting.data_quality_failures WHERE check_name = '{DUE_BEFORE_ISSUE}'")
    assert (key["failure_no"], key["keys"]) == (
        1,
        '{"period_month":"2026-06-01","invoice_id":"R-1","invoice_date":"2026-06-10","due_date":"2026-06-09"}',
    )
    assert published(site, "FROM reporting.closes") == []

    fixed = site_with(site_folder, invoices("2026-07-09"), {DUE_BEFORE_ISSUE: {"severity": "critical"}})
    assert close(fixed) == "closed"

    assert published(site, "FROM reporting.failed_closes") == []
    assert quality(site, DUE_BEFORE_ISSUE)["close_version"] == 1
    with open_read_only(site) as con:
        assert rows(con, "SELECT DISTINCT close_version FROM ops.checks") == [{"close_version": 1}]


@long
def test_a_failed_restatement_leaves_the_published_version_and_says_so(site_folder: Path) -> None:
    critical = {DUE_BEFORE_ISSUE: {"severity": "critical"}}
    close(site_with(site_folder, invoices("2026-07-09"), critical))
    site = site_with(site_folder, invoices("2026-07-09", "2026-06-09"), critical)
    close(site)

    (failed,) = published(site, "FROM reporting.failed_closes")
    assert failed["last_version"] == 1
    assert published(site, "SELECT close_version, is_newest FROM reporting.closes") == [
        {"close_version": 1, "is_newest": True}
    ]
    assert published(site, "SELECT sum(outstanding_amount) AS amount FROM reporting.receivables_ageing") == [
        {"amount": Decimal("100.00")}
    ]
    assert steps.plan_months(site, [JUNE], 2)[0].version == 1
