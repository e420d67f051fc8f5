"""What commands say to other programs: one JSON document on the standard output, with the same exit status."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.cli.as_json import as_json
from kam.site import Site
from tests.cli import kam
from tests.support import REPOSITORY, close_plainly, write_csv, write_site

INVOICE = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-06-10", "net_amount": "1234.50"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """June is closed with one invoice; a second one is rejected, and a third one came later."""
    folder = tmp_path_factory.mktemp("site")
    rejected = INVOICE | {"invoice_id": "I2", "net_amount": "much"}
    made = write_site(
        folder, {"accounts": [{"account_id": "A"}], "invoices": [INVOICE, rejected]}, feeds=["accounts", "invoices"]
    )
    close_plainly(made, [date(2026, 6, 1)])
    write_csv(folder / "landing" / "invoices_2.csv", list(INVOICE), [INVOICE | {"invoice_id": "I3"}])
    return made


def asked(site: Site, *arguments: str, status: int = 0) -> dict[str, Any]:
    answer = kam("--site", site.directory, *arguments, "--json")
    assert answer.returncode == status, answer
    return dict(json.loads(answer.stdout))


def test_the_status_has_months_and_loads_as_numbers(site: Site) -> None:
    found = asked(site, "status")

    (month,) = found["months"]
    assert (found["site"], month["month"], month["version"]) == ("test", "2026-06", 1)
    assert {(row["feed"], row["read"], row["loaded"], row["rejected"]) for row in found["loads"]} == {
        ("accounts", 1, 1, 0),
        ("invoices", 2, 1, 1),
    }
    assert found["faults"] == []


def test_the_rejects_have_their_rule_and_row(site: Site) -> None:
    found = asked(site, "rejects")

    assert found["open_count"] == 1
    assert [(row["feed"], row["column"], row["rule"], row["rows"]) for row in found["by_rule"]] == [
        ("invoices", "net_amount", "type", 1)
    ]


def test_a_check_has_what_each_source_would_give(site: Site) -> None:
    found = asked(site, "check")

    assert {(Path(one["source"]).name, one["read_count"], one["rejected_count"]) for one in found["sources"]} == {
        ("accounts.csv", 1, 0),
        ("invoices.csv", 2, 1),
        ("invoices_2.csv", 1, 0),
    }
    assert found["feeds_in_need"] == ["invoices"]


def test_a_difference_has_the_figures_before_and_after_exactly(site: Site) -> None:
    kam("--site", site.directory, "ingest")

    found = asked(site, "diff", "2026-06")

    # Two invoices of 1,234.50 are open in place of one.
    assert {(one["before"], one["after"]) for one in found["figures"] if one["figure"] == "Open receivables"} == {
        ("1234.5000", "2469.0000")
    }
    assert [(one["feed"], one["key"], one["what"]) for one in found["sources"]] == [("invoices", "I3 1", "new")]


def documented(command: str) -> dict[str, set[str]]:
    """The keys that the page on monitoring promises for a command, and those in the rows of each list."""
    page = (REPOSITORY / "docs/operations/monitoring.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{command}` |")]
    return {
        name: set(re.findall(r"`(\w+)`", inner))
        for name, inner in re.findall(r"`(\w+)(?:\[\])?`(?: \(((?:`\w+(?:\[\])?`(?:, )?)+)\))?", line.split("|")[2])
    }


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("status", []),
        ("status --timings", []),
        ("check", []),
        ("diff", ["2026-06"]),
        ("rejects", []),
    ],
)
def test_the_keys_that_are_promised_are_there(site: Site, command: str, arguments: list[str]) -> None:
    found, promised = asked(site, *command.split(), *arguments), documented(command)

    assert len(promised) > 2
    assert found.keys() >= promised.keys()
    for name, keys in promised.items():
        if keys and found[name]:
            assert found[name][0].keys() >= keys, name


def test_an_error_is_told_as_ever_and_leaves_the_output_empty(site: Site) -> None:
    answer = kam("--site", site.directory, "diff", "2026-01", "--json")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "2026-01" in answer.stderr


def test_values_have_one_form() -> None:
    moment = datetime(2026, 10, 31, 7, 5, tzinfo=UTC)
    given = {
        "Closed (UTC)": moment,
        "day": date(2026, 10, 31),
        "amount": Decimal("1E+3"),
        "file": Path("a/b"),
        "x": None,
    }

    assert as_json([given, True]) == [
        {"closed_utc": "2026-10-31T07:05:00+00:00", "day": "2026-10-31", "amount": "1000", "file": "a/b", "x": None},
        True,
    ]
    with pytest.raises(TypeError):
        as_json(object())
