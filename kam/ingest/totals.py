"""Rows of a source that are no records of their own: totals and subtotals, and rows that break the grain of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kam.ingest.row_rules import Reading
from kam.site import Column, Feed, Kind
from kam.warehouse import Connection, literal, sql_text

TOTAL = "total row"
ODD_GRAIN = "odd grain"
WHY_TOTAL = (
    "a total row, not a record: it says so, or its amounts are the sum of the others. Leave such rows out with where or "
    "skip_footer in kam.toml"
)
# What people and programs write in a total row, in small letters; `*` is that of SAP.
_SAYS_TOTAL = (
    r"\*+|[Σ∑].*|(?:grand|sub|over ?all|report|page|final|running)?[ -]?totals?\b.*|.*[ (-](?:sub)?totals?\)?:?|sum(?:me|ma|a|s)?(?:[ :].*)?|"
    r"(?:zwischen|gesamt|end|teil)summe\b.*|gesamt(?:betrag)?(?:[ :].*)?|.* gesamt|insgesamt.*|(?:sous-)?total(?:e|i|en)?(?:[ :].*)?|"
    r"(?:sub)?totaa?l(?:[ :].*)?|somme(?:[ :].*)?|ensemble|итого.*|всего.*|合计.*|小计.*|总计.*|合計.*|小計.*|総計.*|toplam.*|razem.*|"
    r"celkem.*|spolu|összesen.*|yhteensä.*|i alt|celkom|ukupno.*|σύνολο.*|סה.כ.*|المجموع.*"
)
# Beyond this many rows a label is looked for only among the last ones: reading all texts would cost as much as checking them.
_MOST_LABELS = 1_000_000
_LAST_ROWS = 10_000
_MOST_SUSPECTS = 10_000
_MOST_PAIRS = 100_000_000
# Amounts in a list are rounded to cents.
_ROUNDED = "0.01"
# With fewer rows beside it, a row of another grain may be as right as they are.
_LEAST_SHARE_OF_A_GRAIN = 0.6
_SCOPE_KINDS = (Kind.ID, Kind.MONTH, Kind.CURRENCY)
_ADDED_KINDS = (Kind.MONEY, Kind.QUANTITY)


def mark_totals(con: Connection, reading: Reading, names: Iterable[str]) -> None:
    """Reject rows of `incoming`, which has the columns `names`, that are a total of others.

    Such a row calls itself one or lacks an identifying column that most rows have; and its amounts are the sum of the rows
    with the same other identifiers, of those since the last such row, or of none that it names.
    """
    feed = reading.feed
    there = [feed.column(name) for name in names]
    amounts = [column for column in there if column.kind in _ADDED_KINDS]
    lacking = _sometimes_missing(con, feed, there)
    texts = [column.name for column in there if column.kind is Kind.ID]
    _find_suspects(con, texts, [column.name for column in there if column.kind in (Kind.ID, Kind.TEXT)], lacking)
    found = con.execute("SELECT count(*), (SELECT count(*) FROM incoming) FROM suspects").fetchall()
    suspects, rows = found[0]
    if not 0 < suspects <= _MOST_SUSPECTS:
        return
    is_sum = "false"
    if amounts:
        most = max(1, _MOST_PAIRS // max(rows, 1))
        scope = [column for column in there if column.kind in _SCOPE_KINDS]
        con.execute(f"CREATE OR REPLACE TEMP TABLE summed AS\n{_sums(feed, amounts, scope, most)}")
        # One row alone may well have the amount of another.
        is_sum = "coalesce(summed.parts > CASE WHEN suspects.lacks_all THEN 0 ELSE 1 END, false)"
    joined = "LEFT JOIN summed USING (place)" if amounts else ""
    con.execute(
        f"""
        UPDATE incoming SET verdict = '{TOTAL}'
        WHERE rowid IN (
            SELECT place FROM suspects {joined}
            WHERE {is_sum} OR (suspects.lacks AND suspects.says_total)
        )
        """
    )


def _sometimes_missing(con: Connection, feed: Feed, there: Sequence[Column]) -> list[str]:
    """The identifying columns that at least half of the rows have, and some have not.

    One that another column may stand for, as a region for an account, is not missing where that one is given.
    """
    grain = feed.grain.columns if feed.grain else ()
    replaceable = {
        name for rule in feed.row_rules if len(rule.any_of) > 1 and not rule.with_column for (name, *_) in rule.any_of
    }
    names = [
        column.name
        for column in there
        if column.name in grain
        # A date or number that cannot be read is NULL too, and not missing.
        or (
            column.kind is Kind.ID
            and column.default is None
            and (column.required or column.name in feed.key)
            and column.name not in replaceable
        )
    ]
    if not names:
        return []
    counted = con.execute(
        f"SELECT count(*), {', '.join(f'count({name})' for name in names)} FROM incoming WHERE verdict <> 'header again'"
    ).fetchall()[0]
    rows = counted[0]
    return [name for name, filled in zip(names, counted[1:], strict=True) if rows / 2 <= filled < rows]


def _find_suspects(con: Connection, labels: Sequence[str], texts: Sequence[str], lacking: Sequence[str]) -> None:
    """Put into `suspects` the rows that call themselves a total, and those that lack one of these columns."""
    lacks = " OR ".join(f"{name} IS NULL" for name in lacking) or "false"
    lacks_all = " AND ".join(f"{name} IS NULL" for name in lacking) or "false"
    says = " OR ".join(_says_total(name) for name in labels) or "false"
    says_anywhere = " OR ".join(_says_total(name) for name in texts) or "false"
    suspects = sql_text(
        "ingest/rows_that_may_be_totals.sql",
        lacks=lacks,
        lacks_all=lacks_all,
        says=says,
        says_anywhere=says_anywhere,
        most_labels=_MOST_LABELS,
        last_rows=_LAST_ROWS,
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE suspects AS {suspects}")


def _says_total(name: str) -> str:
    return f"coalesce(regexp_full_match(lower(trim({name})), {literal(_SAYS_TOTAL)}), false)"


def _sums(feed: Feed, amounts: Sequence[Column], scope: Sequence[Column], most: int) -> str:
    """SQL that puts into `summed` the suspects that are the sum of other rows, and of how many."""
    named = []
    for column in scope:
        cell = f"given.{column.name}"
        says_total = f" OR {_says_total(cell)}" if column.kind is Kind.ID else ""
        named.append(f"({cell} IS NULL{says_total} OR {cell} = part.{column.name})")
    counted = {
        "scope": " AND ".join(named) or "true",
        # A subtotal of the rows above it, up to the last one.
        "block": "part.rowid BETWEEN suspects.previous AND suspects.place",
    }
    sums, found = [], []
    for way, counts in counted.items():
        for is_signed in (False, True) if feed.sign else (False,):
            fits, says_nothing = [], []
            for number, column in enumerate(amounts):
                name = f"sum_{number}_{way}_{is_signed}"
                sums.append(f"sum({_added(feed, column.name, is_signed=is_signed)}) FILTER (WHERE {counts}) AS {name}")
                equal = f"coalesce(abs(amount_{number} - {name}) < {_ROUNDED}, false)"
                fits.append(f"(amount_{number} <> 0 AND {equal})")
                says_nothing.append(f"(coalesce(amount_{number}, 0) = 0 OR {equal})")
            found.append(f"CASE WHEN ({' OR '.join(fits)}) AND {' AND '.join(says_nothing)} THEN parts_{way} END")
    given = [f"any_value(given.{column.name}) AS amount_{number}" for number, column in enumerate(amounts)]
    parts = [f"count(*) FILTER (WHERE {counts}) AS parts_{way}" for way, counts in counted.items()]
    return sql_text(
        "ingest/sums_of_rows.sql",
        sums=", ".join((*given, *sums, *parts)),
        parts=", ".join(("NULL", *found)),
        most=str(most),
    )


def _added(feed: Feed, name: str, *, is_signed: bool) -> str:
    """What a row adds to a sum; with the sign that its type carries if `is_signed`."""
    if not is_signed or feed.sign is None or name not in feed.sign.amounts:
        return f"part.{name}"
    types = ", ".join(literal(value) for value in feed.sign.negative)
    return f"CASE WHEN part.{feed.sign.column} IN ({types}) THEN -part.{name} ELSE part.{name} END"


def mark_odd_grain(con: Connection, feed: Feed, names: Iterable[str], *, beside: str) -> None:
    """Reject good rows of `incoming` that fill other grain columns than most rows of their round or version.

    `beside` is the staging table with the rows that are there already; empty = they do not count. Without a clear majority no
    row is rejected: then a check stops the month.
    """
    if feed.grain is None:
        return
    there = set(names)
    group = [name for name in feed.grain.of if name in there]
    mask = " || ".join(
        f"CASE WHEN {name} IS NULL THEN '-' ELSE 'x' END" for name in feed.grain.columns if name in there
    )
    if not mask or not group:
        return
    lines = [f"SELECT {', '.join(group)}, {mask} AS mask FROM incoming WHERE verdict IN ('good', 'repeat')"]
    if beside:
        kept = " || ".join(
            f"CASE WHEN {name} IS NULL THEN '-' ELSE 'x' END" for name in feed.grain.columns if name in there
        )
        lines.append(
            f"SELECT {', '.join(f'kept.{name}' for name in group)}, {kept} AS mask FROM {beside} AS kept "
            f"ANTI JOIN incoming ON {feed.same_key('incoming', 'kept')} WHERE kept.superseded_load_id IS NULL"
        )
    same = " AND ".join(f"incoming.{name} IS NOT DISTINCT FROM usual.{name}" for name in group)
    con.execute(
        f"""
        UPDATE incoming SET verdict = '{ODD_GRAIN}'
        FROM (
            SELECT {", ".join(group)}, arg_max(mask, rows) AS usual_mask
            FROM (SELECT {", ".join(group)}, mask, count(*) AS rows FROM ({" UNION ALL ".join(lines)}) GROUP BY ALL)
            GROUP BY ALL
            HAVING count(*) > 1 AND max(rows) >= sum(rows) * {_LEAST_SHARE_OF_A_GRAIN}
        ) AS usual
        WHERE incoming.verdict IN ('good', 'repeat') AND {same} AND {mask} <> usual.usual_mask
        """
    )
