"""The rules of `[rating]` as tables: which rules hold for whom and when, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from kam.periods import parse_month
from kam.site import RATED_DIMENSIONS, RatingRules, RatingSection
from kam.warehouse import Connection, insert

_ALWAYS = ""
Row = dict[str, object]


def rating_tables(con: Connection, rating: RatingSection) -> None:
    """`build.rating_rules` with the months in which rules hold, and a table for each kind of rule, by `rules_no`.

    Accounts with the same rules share them. The account NULL has the rules of accounts that `[rating]` does not name.
    """
    numbers: dict[str, tuple[int, RatingRules]] = {}
    holding: list[Row] = []
    for account_id in (None, *rating.accounts):
        months = (_ALWAYS, *rating.first_months(account_id))
        for first, end in zip(months, (*months[1:], None), strict=True):
            rules = rating.rules_of(account_id, first)
            # In the order of their words: the order of bands means something.
            number, _ = numbers.setdefault(rules.model_dump_json(), (len(numbers), rules))
            holding.append(
                {
                    "account_id": account_id,
                    "rule_set": rating.set_of(account_id, first),
                    "first_month": _first_day(first),
                    "end_month": _first_day(end),
                    "rules_no": number,
                    "delivery_basis": rules.delivery_basis,
                }
            )
    shape = "account_id VARCHAR, rule_set VARCHAR, first_month DATE, end_month DATE, rules_no INTEGER, delivery_basis VARCHAR"
    _fill(con, "rating_rules", shape, holding)
    _rules(con, list(numbers.values()))


def _first_day(month: str | None) -> date | None:
    return parse_month(month) if month else None


def _rules(con: Connection, numbered: Sequence[tuple[int, RatingRules]]) -> None:
    weights: list[Row] = []
    steps: list[Row] = []
    bands: list[Row] = []
    deductions: list[Row] = []
    for number, rules in numbered:
        of_rules = {"rules_no": number}
        weights += [
            of_rules
            | {
                "dimension": dimension,
                "weight": rules.weights.get(dimension, Decimal(0)),
                "is_only_deductions": dimension in rules.only_deductions,
            }
            for dimension in RATED_DIMENSIONS
        ]
        steps += [of_rules | {"upper_ppm": upper, "score": score} for upper, score in (*rules.ppm_steps, (None, 0))]
        bands += [
            of_rules | {"band": band, "lower_score": lower, "upper_score": upper}
            for (band, upper), lower in zip(rules.bands.items(), (None, *rules.bands.values()), strict=False)
        ]
        deductions += [
            of_rules
            | {"deduction_no": place, **deduction.model_dump(), "severity": _lower(deduction.severity)}
            | {"incident": _lower(deduction.incident)}
            for place, deduction in enumerate(rules.deductions, start=1)
        ]
    _fill(
        con,
        "rating_weights",
        "rules_no INTEGER, dimension VARCHAR, weight DECIMAL(18, 6), is_only_deductions BOOLEAN",
        weights,
    )
    _fill(con, "rating_ppm_steps", "rules_no INTEGER, upper_ppm DECIMAL(18, 6), score DECIMAL(18, 6)", steps)
    _fill(
        con,
        "rating_bands",
        "rules_no INTEGER, band VARCHAR, lower_score DECIMAL(18, 6), upper_score DECIMAL(18, 6)",
        bands,
    )
    _fill(
        con,
        "rating_deductions",
        "rules_no INTEGER, deduction_no INTEGER, name VARCHAR, event VARCHAR, dimension VARCHAR, points DECIMAL(18, 6), "
        "above DECIMAL(18, 6), at_most DECIMAL(18, 6), issue_type VARCHAR[], category VARCHAR[], severity VARCHAR[], "
        "incident VARCHAR[]",
        deductions,
    )


def _lower(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else [word.lower() for word in words]


def _fill(con: Connection, name: str, shape: str, rows: Sequence[Row]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE build.{name} ({shape})")
    for row in rows:
        # One at a time: what is NULL in one row and not in another gives a list no type.
        insert(con, f"build.{name}", [row])
