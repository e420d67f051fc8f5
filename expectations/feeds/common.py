"""Rules that every feed shares: its rows are there, each key once, and its accounts and products are known."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from expectations.rules import Owner, Rule, Severity, Threshold
from kam.site import FEEDS, Kind
from kam.warehouse import sql_text

Role = TypeVar("Role")


def titled(feed: str) -> str:
    """The name of a feed at the beginning of a sentence: `Fx rates`."""
    return feed.replace("_", " ").capitalize()


def require(feed: str, rule: str, role: str, given: Role | None, where: str) -> Role:
    """What the feed's contract says for a role. Raises `ValueError` when it says nothing: the rule would hold for any rows.

    `role` is what the rule needs in words, `where` the part of the contract that would say it.
    """
    if given is None:
        message = (
            f"the rule {feed}.{rule} needs {role}, and the feed {feed} has none. Name it in kam/site/feeds.py ({where}),"
            f" or leave the rule out of expectations/feeds/{feed}.py"
        )
        raise ValueError(message)
    return given


def require_columns(feed: str, rule: str, *columns: str) -> None:
    """Raise `ValueError` when the feed lacks one of the columns that a rule reads."""
    for name in columns:
        there = name if name in FEEDS[feed].column_names else None
        require(feed, rule, f"the column {name}", there, "`columns`")


def of_the_months(feed: str) -> str:
    """The feed's rows that belong to a month being built, by the date that its contract names."""
    contract = FEEDS[feed]
    date = require(feed, "batch", "a business date", contract.date, "`date`")
    if contract.column(date).kind is Kind.MONTH:
        return f"""
SELECT feed.*, feed.{date} AS period_month
FROM core.{feed} AS feed
SEMI JOIN build.periods AS periods ON periods.period_month = feed.{date}"""
    planned = contract.events.planned_date if contract.events else None
    day = f"coalesce(feed.{date}, feed.{planned})" if planned else f"feed.{date}"
    return f"""
SELECT feed.*, days.period_month
FROM core.{feed} AS feed
JOIN core.days AS days ON days.calendar_date = {day}
SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month"""


def all_rows(feed: str) -> str:
    """All rows of a feed without a business date; its failures concern every month.

    Raises `ValueError` for a feed that has one: a month without rows would pass unseen.
    """
    if FEEDS[feed].date:
        message = f"the rows of {feed} belong to months, by {FEEDS[feed].date}: in expectations/feeds/{feed}.py, use of_the_months"
        raise ValueError(message)
    return f"SELECT feed.*, NULL::DATE AS period_month FROM core.{feed} AS feed"


def has_rows(feed: str, owner: Owner, severity: Severity = Severity.WARNING) -> Rule:
    """A month without any row of a declared feed is more often a missing extract than a quiet month."""
    require(feed, "has_rows", "a business date", FEEDS[feed].date, "`date`")
    return Rule(
        name=f"{feed}.has_rows",
        sentence=f"The feed {feed} has rows for the month.",
        finding=f"{titled(feed)}: no rows for {{month}}",
        owner=owner,
        severity=severity,
        if_it_fails=f"Figures made from {feed} are empty or too low; load the month's extract and close again.",
        failing=f"SELECT period_month, '{feed}' AS feed FROM build.periods ANTI JOIN batch USING (period_month)",
        keys=("feed",),
    )


def is_not_empty(feed: str, owner: Owner) -> Rule:
    """For feeds without a business date."""
    return Rule(
        name=f"{feed}.has_rows",
        sentence=f"The feed {feed} has rows.",
        finding=f"{titled(feed)}: no rows",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails=f"Reports show `unknown` for all {feed}; ask the source for the extract and close again.",
        failing=f"SELECT NULL::DATE AS period_month, '{feed}' AS feed WHERE NOT EXISTS (FROM batch)",
        keys=("feed",),
    )


def key_is_unique(feed: str) -> Rule:
    """Loading supersedes the earlier version of a key; this proves that it did."""
    keys = FEEDS[feed].key
    columns = ", ".join(keys)
    return Rule(
        name=f"{feed}.key_is_unique",
        sentence=f"Each {' and '.join(keys)} is in {feed} once.",
        finding=f"{{n}} (key|keys) of {feed} (is|are) there more than once",
        owner=Owner.DATA,
        severity=Severity.CRITICAL,
        if_it_fails=f"A row of {feed} counts twice in every figure; rebuild the warehouse from the archive.",
        failing=f"""
SELECT max(period_month) AS period_month, {columns}
FROM batch
GROUP BY {columns}
HAVING count(*) > 1""",
        keys=keys,
        is_fixed=True,
    )


def no_row_is_a_total(feed: str, owner: Owner, amount: str, severity: Severity = Severity.WARNING) -> Rule:
    """A total row that names itself is rejected when it is loaded; this finds one that looks like any other row.

    A list is a load or, where the feed's contract names a grain, what that is of.
    """
    require_columns(feed, "no_row_is_a_total", "account_id", amount)
    name = f"{feed}.no_row_is_a_total"
    grain = FEEDS[feed].grain
    # A plan has a total for each of its months.
    lists = dict.fromkeys((*grain.of, str(FEEDS[feed].date))) if grain else ()
    return Rule(
        name=name,
        sentence=f"No {amount} in {feed} of an unknown account is the sum of all others of its list.",
        finding=f"{{n}} (row|rows) of {feed} (looks like a total|look like totals) of the others",
        owner=owner,
        severity=severity,
        if_it_fails="A total counts beside what it is made of, and figures double; leave it out with where or skip_footer, "
        "or add the account to its master if the row is right.",
        failing=sql_text("checks/templates/no_row_is_a_total.sql", amount=amount, rule=name, list_columns=list(lists)),
        keys=(*FEEDS[feed].key, *(("account_id",) if "account_id" not in FEEDS[feed].key else ()), amount),
        threshold=Threshold(Decimal(3), "rows of a list that are too few to tell"),
    )


def account_is_known(feed: str) -> Rule:
    """One failure per account and month."""
    return _in_master(feed, "account_id", "accounts", "account", "name, manager and region")


def product_is_known(feed: str) -> Rule:
    """One failure per product and month."""
    return _in_master(feed, "product_id", "products", "product", "name and product line")


def _in_master(feed: str, column: str, master: str, thing: str, attributes: str) -> Rule:
    require_columns(feed, f"{thing}_is_known", column)
    return Rule(
        name=f"{feed}.{thing}_is_known",
        sentence=f"Every {thing} in {feed} is in the {thing} master.",
        finding=f"{{n}} ({thing}|{thing}s) in {feed} (is|are) not in the {thing} master",
        owner=Owner.MASTER_DATA,
        severity=Severity.WARNING,
        if_it_fails=f"Nothing is lost, but reports show its {attributes} as `unknown`; add it to {master} and close again.",
        failing=f"""
SELECT batch.period_month, batch.{column}, count(*) AS row_count
FROM batch
ANTI JOIN core.{master} AS master ON master.{column} = batch.{column}
WHERE batch.{column} IS NOT NULL
GROUP BY ALL""",
        keys=(column, "row_count"),
        needs=frozenset({master}),
    )
