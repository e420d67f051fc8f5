"""Rules that marts share. A failure of these is an error of a model, not of the data: it always stops the month."""

from __future__ import annotations

from dataclasses import replace

from expectations.rules import Owner, Rule, Severity, Suite
from kam.build import models


def suite(mart: str, *rules: Rule) -> Suite:
    """The rules of one mart over its candidate rows, and that these are of the months being built.

    No site can change them: they do not depend on its data.
    """
    return Suite(
        name=mart,
        table=f"build.{mart}",
        batch=f"SELECT * FROM build.{mart}",
        rules=tuple(replace(rule, is_fixed=True) for rule in (_rows_are_of_the_months(mart), *rules)),
    )


def holds(
    mart: str, name: str, condition: str, *, sentence: str, finding: str, if_it_fails: str, shown: tuple[str, ...] = ()
) -> Rule:
    """A condition that is never false in a row; `shown` are the figures that a reader of a failure needs."""
    return Rule(
        name=f"{mart}.{name}",
        sentence=sentence,
        finding=finding,
        owner=Owner.DATA,
        severity=Severity.CRITICAL,
        if_it_fails=if_it_fails,
        failing=f"SELECT * FROM batch WHERE NOT ({condition})",
        keys=(*_grain(mart), *shown),
    )


def account_is_given(mart: str, has_account: str = "true") -> Rule:
    """For marts with accounts; `has_account` says which rows have one, where others add up several."""
    return holds(
        mart,
        "account_is_given",
        f"account_id IS NOT NULL OR NOT ({has_account})",
        sentence=f"Every row of {mart} that is of one account names it.",
        finding=f"{{of}} <row> of {mart} (names|name) no account",
        if_it_fails="Totals hold amounts that no account manager sees; a join in the model lost the account.",
    )


def shares_within_0_and_1(mart: str, *columns: str) -> Rule:
    """Shares of a whole, which an undefined one is not."""
    return holds(
        mart,
        "shares_within_0_and_1",
        " AND ".join(f"coalesce({column} BETWEEN 0 AND 1, true)" for column in columns),
        sentence=f"Every share in {mart} lies between 0 and 1.",
        finding=f"{{of}} <row> of {mart} (has|have) a share below 0 or above 1",
        if_it_fails="A part is counted that is not in the whole; the model divides figures of different scope.",
        shown=columns,
    )


def undefined_has_a_reason(mart: str) -> Rule:
    """A figure is NULL exactly where its reason is given: `<figure>_reason` is the reason of the column `<figure>`."""
    names = [column.name for column in models()[f"build.{mart}"].columns]
    pairs = {figure: f"{figure}_reason" for figure in names if f"{figure}_reason" in names}
    unexplained = ", ".join(
        f"CASE WHEN ({figure} IS NULL) = ({reason} IS NULL) THEN '{figure}' END" for figure, reason in pairs.items()
    )
    return Rule(
        name=f"{mart}.undefined_has_a_reason",
        sentence=f"Every undefined figure in {mart} says why, and no other does.",
        finding=f"{{of}} <row> of {mart} (has an undefined figure without its reason|have undefined figures without their reasons), or the other way round",
        owner=Owner.DATA,
        severity=Severity.CRITICAL,
        if_it_fails="A reader cannot tell a missing input from a fault; the model forgot a case.",
        failing=f"SELECT *, concat_ws(', ', {unexplained}) AS figures FROM batch WHERE figures <> ''",
        keys=(*_grain(mart), "figures"),
    )


def _rows_are_of_the_months(mart: str) -> Rule:
    return Rule(
        name=f"{mart}.rows_are_of_the_months",
        sentence=f"Every row of {mart} belongs to a month being built.",
        finding=f"{{of}} <row> of {mart} (belongs|belong) to another month",
        owner=Owner.DATA,
        severity=Severity.CRITICAL,
        if_it_fails="The row would be published under a version of another month; the model's months are wrong.",
        # Such a row's month is none of those that could be stopped, so all of them are.
        failing="""
SELECT * REPLACE (NULL::DATE AS period_month), period_month AS row_month
FROM batch
ANTI JOIN build.periods USING (period_month)""",
        keys=("row_month", *_grain(mart)),
    )


def _grain(mart: str) -> tuple[str, ...]:
    return models()[f"build.{mart}"].grain
