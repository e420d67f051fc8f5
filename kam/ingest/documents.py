"""Documents of several lines, whose amounts may be negative: a document as a whole never is."""

from __future__ import annotations

from kam.ingest.row_rules import Reading
from kam.warehouse import Connection, literal

VERDICT = "negative document"


def mark_negative_documents(con: Connection, plan: Reading, *, beside: str) -> None:
    """Reject the lines in `incoming` of a document whose amounts add up to less than zero, or whose signs `abs` took away.

    `beside` is the staging table with lines of the same documents that an earlier load brought; empty = there are none.
    """
    rule = plan.feed.sign
    if rule is None or not rule.document:
        return
    for name in rule.total:
        if f"{name}_sign" in plan.kept:
            types = ", ".join(literal(value) for value in rule.negative)
            _reject(
                con,
                rule.document,
                f"""
                SELECT {rule.document} FROM incoming WHERE verdict IN ('good', 'repeat') AND {name}_sign <> 0
                GROUP BY {rule.document}
                HAVING min({name}_sign) < 0 AND (max({name}_sign) > 0 OR bool_or({rule.column} NOT IN ({types})))
                """,
            )
    any_negative = " OR ".join(f"{name} < 0" for name in rule.total)
    found = con.execute(f"SELECT 1 FROM incoming WHERE verdict = 'good' AND ({any_negative}) LIMIT 1").fetchone()
    if found is None:
        return
    lines = [f"SELECT {', '.join((rule.document, *rule.total))} FROM incoming WHERE verdict = 'good'"]
    if beside:
        key = " AND ".join(f"incoming.{name} = kept.{name}" for name in plan.feed.key)
        columns = ", ".join((f"kept.{rule.document}", *(f"kept.{name}" for name in rule.total)))
        lines.append(
            f"SELECT {columns} FROM {beside} AS kept ANTI JOIN incoming ON {key} WHERE kept.superseded_load_id IS NULL"
        )
    total = " + ".join(f"sum(coalesce({name}, 0))" for name in rule.total)
    _reject(
        con,
        rule.document,
        f"""
        SELECT {rule.document} FROM ({" UNION ALL ".join(lines)})
        WHERE {rule.document} IN (SELECT {rule.document} FROM incoming WHERE verdict = 'good' AND ({any_negative}))
        GROUP BY {rule.document} HAVING {total} < 0
        """,
    )


def _reject(con: Connection, document: str, found: str) -> None:
    con.execute(
        f"UPDATE incoming SET verdict = '{VERDICT}' WHERE verdict IN ('good', 'repeat') AND {document} IN ({found})"
    )


def why_rejected(plan: Reading) -> str:
    """The message about the lines of such a document."""
    rule = plan.feed.sign
    if rule is None:
        return ""
    if any(name.endswith("_sign") for name in plan.kept):
        return (
            f"abs() takes the sign of negative lines away; map {rule.total[0]} without it: negative lines are legal, and "
            'sign = "amount" takes credit notes whose amounts are negative'
        )
    return (
        f"the document is negative as a whole, and its {rule.column} carries the sign; if credit notes are negative in the "
        f'source, map {rule.column} and declare sign = "amount"'
    )
