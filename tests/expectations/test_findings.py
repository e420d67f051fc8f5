"""What a failed rule says is wrong: numbers and data, not what should hold."""

from __future__ import annotations

import re
from datetime import date

import pytest

from expectations.feeds import FEED_SUITES
from expectations.findings import finding_text, turned_round
from expectations.marts import MART_SUITES

NOVEMBER = date(2026, 11, 1)
RULES = {rule.name: rule for suite in (*FEED_SUITES, *MART_SUITES) for rule in suite.rules}


def text(name: str, failed: int, checked: int, **keys: object) -> str:
    rule = RULES[name]
    values = {"threshold": rule.threshold.value, **keys}
    return finding_text(
        rule.finding, rule.sentence, NOVEMBER, failed_count=failed, checked_count=checked, values=values
    )


@pytest.mark.parametrize(("failed", "checked"), [(1, 1), (1, 412), (3, 412), (3, 1)])
def test_every_rule_says_what_is_wrong(failed: int, checked: int) -> None:
    for name, rule in RULES.items():
        found = text(name, failed, checked, **dict.fromkeys(rule.keys, 7))
        assert rule.finding, (
            f"{name}: give it a finding, such as '{{n}} (invoice is|invoices are) due before (its|their) date'"
        )
        assert re.search(r"\d|no rows", found), (name, found)
        assert found[0].isupper() or found[0].isdigit(), (name, found)
        assert not re.search(r"[{}<>|]|\.$", found), (name, found)
        assert "break the rule" not in found, (name, found)
        assert found != rule.sentence.removesuffix("."), (name, found)
        # Grammar of one and of several: what is counted is never "1 lines" or "3 line".
        assert not re.search(r"\b1 (of 1 )?[a-z]+s (is|has|are|have)\b", found), (name, found)
        assert not re.search(r"\b3 [a-z]+[^s ] (is|has) ", found), (name, found)


def test_counts_months_and_figures_stand_in_the_sentence() -> None:
    assert text("invoices.has_rows", 1, 0) == "Invoices: no rows for November 2026"
    assert text("deliveries.not_before_order", 3, 412) == "3 of 412 deliveries are earlier than their order"
    assert text("deliveries.not_before_order", 1, 412) == "1 of 412 deliveries is earlier than its order"
    assert text("deliveries.not_before_order", 1, 1) == "1 of 1 delivery is earlier than its order"
    assert text("orders.row_count_is_usual", 1, 120, row_count=1120, usual_row_count=260) == (
        "Orders: 1,120 rows in November 2026, and about 260 are usual"
    )
    assert text("currencies.rate_is_recent", 2, 5) == (
        "The rate of 2 currencies at the end of November 2026 is older than 45 days"
    )


def test_more_failures_than_rows_looked_at_are_no_share() -> None:
    assert text("deliveries.not_before_order", 3, 1) == "3 deliveries are earlier than their order"


def test_a_value_of_the_data_is_never_read_as_a_template() -> None:
    found = finding_text(
        "{feed}: (a|b)", "", NOVEMBER, failed_count=2, checked_count=2, values={"feed": "{n} (x|y) <z>"}
    )
    assert found == "{n} (x|y) <z>: b"


def test_a_template_whose_key_is_missing_gives_way_to_the_sentence() -> None:
    found = finding_text("{lost} are lost", "No row is lost.", NOVEMBER, failed_count=2, checked_count=9, values={})
    assert found == "2 rows: a row is lost"


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("No invoice is below 50.", "2 rows: an invoice is below 50"),
        ("No rows are lost.", "2 rows: some rows are lost"),
        ("No more rows are rejected than allowed.", "2 rows: more rows are rejected than allowed"),
        ("Every visit has a cost.", "2 rows: not every visit has a cost"),
        ("Sales are the list amount.", "2 rows break the rule “Sales are the list amount”"),
        ("", "2 rows break the rule “”"),
    ],
)
def test_a_rule_without_a_finding_has_its_sentence_turned_round(sentence: str, found: str) -> None:
    assert turned_round(sentence, 2) == found
