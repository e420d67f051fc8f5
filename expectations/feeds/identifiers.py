"""Identifiers that two rows write in two ways."""

from __future__ import annotations

from expectations.feeds.common import all_rows, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite
from kam.site import FEEDS, Kind
from kam.warehouse import sql_text

_COLUMNS = ("account_id", "product_id", "invoice_id", "order_id")


def _identifiers() -> str:
    """A SELECT of the identifiers of each month; those of masters are in each."""
    parts = []
    for feed in FEEDS.values():
        rows = of_the_months(feed.name) if feed.date else all_rows(feed.name)
        month = (
            "period_month" if feed.date else "unnest((SELECT list(period_month) FROM build.periods)) AS period_month"
        )
        parts += [
            f"SELECT DISTINCT {month}, '{column.name}' AS column_name, {column.name} AS identifier FROM ({rows}) "
            f"WHERE {column.name} IS NOT NULL"
            for column in feed.columns
            if column.kind is Kind.ID and column.name in _COLUMNS
        ]
    return "SELECT DISTINCT period_month, column_name, identifier FROM (" + "\nUNION ALL\n".join(parts) + ")"


SUITE = Suite(
    name="identifiers",
    table="core.*",
    batch=_identifiers(),
    rules=(
        Rule(
            name="identifiers.are_written_one_way",
            sentence="No two identifiers differ only in case, in width, in invisible characters or in a trailing .0.",
            finding="{n} (identifier is|identifiers are) written in several ways",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="One account, part or document counts as two, or twice; correct one of the two in the source.",
            failing=sql_text(
                "checks/templates/written_one_way.sql",
                wide="".join(chr(0xFEE0 + sign) for sign in range(0x21, 0x7F)).replace("'", "''"),
                plain="".join(map(chr, range(0x21, 0x7F))).replace("'", "''"),
            ),
            keys=("column_name", "identifiers"),
        ),
    ),
)
