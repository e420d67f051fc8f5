"""How the newest loads went: those that no close of the months to build, a later one or the one before has seen."""

from __future__ import annotations

from expectations.rules import Owner, Rule, Severity, Suite
from kam.site import FEEDS, Kind
from kam.warehouse import sql_text

# A status, a flag or a note may well go back and forth.
_NO_FIGURES = (Kind.ENUM, Kind.BOOLEAN, Kind.TEXT)
_WATCHED = tuple(
    {
        "name": feed.name,
        "key": feed.key,
        "columns": [c.name for c in feed.columns if c.name not in feed.key and c.kind not in _NO_FIGURES],
    }
    for feed in FEEDS.values()
)
_AMOUNTS = {
    feed.name: column.name
    for feed in FEEDS.values()
    for column in feed.columns
    if column.name in ("net_amount", "amount")
}

SUITE = Suite(
    name="loads",
    table="ops.loads",
    batch=f"SELECT * FROM (\n{sql_text('checks/templates/new_loads.sql')}\n)",
    rules=(
        Rule(
            name="loads.few_rows_rejected",
            sentence="No more rows of a load are rejected than [ingest] reject_share allows (1 % by default).",
            finding="{n} (load has|loads have) more rejected rows than [ingest] reject_share allows",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="Figures miss the rejected rows; see `kam rejects`, fix the source or the mapping, and load again.",
            # What a later load brought again is not missing any more.
            failing="""
SELECT batch.*
FROM batch
LEFT JOIN (
    SELECT load_id, count(DISTINCT (source_row, source_column)) AS settled_count
    FROM staging.rejects
    WHERE resolved_load_id <= coalesce(getvariable('as_of_load'), resolved_load_id)
    GROUP BY load_id
) AS settled ON settled.load_id = batch.load_id
WHERE rejected_count - coalesce(settled_count, 0) > (SELECT reject_share_ratio FROM build.settings) * read_count""",
            keys=("feed", "load_id", "source", "read_count", "rejected_count"),
        ),
        Rule(
            name="loads.little_money_rejected",
            sentence="No more of the amounts of a load is rejected than [ingest] reject_share allows (1 % by default).",
            finding="{n} (load has|loads have) more money in rejected rows than [ingest] reject_share allows",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="Few rows may be most of the money; see `kam rejects`, fix the source or the mapping, and load again.",
            failing=sql_text("checks/templates/little_money_rejected.sql", amounts=_AMOUNTS),
            keys=("feed", "load_id", "source", "rejected_rows", "rejected_amount", "loaded_amount"),
        ),
        Rule(
            name="loads.every_row_is_a_record",
            sentence="No load has a total row, a row of another grain or a surprising footer among its records.",
            finding="{n} (load has a total, a row of another grain or a footer|loads have totals, rows of another grain or footers) among the records",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="Such rows are rejected and in no figure; leave them out with where or skip_footer, or correct them.",
            failing="""
SELECT batch.feed, batch.load_id, batch.source, rejects.rule, count(DISTINCT (rejects.source_row, rejects.source_column)) AS row_count, NULL::DATE AS period_month
FROM batch
JOIN staging.rejects AS rejects ON rejects.load_id = batch.load_id
WHERE rejects.rule IN ('total_row', 'grain', 'footer')
  AND NOT coalesce(resolved_load_id <= coalesce(getvariable('as_of_load'), resolved_load_id), false)
GROUP BY ALL""",
            keys=("feed", "load_id", "source", "rule", "row_count"),
        ),
        Rule(
            name="loads.little_is_rounded_away",
            sentence="Rounding to the decimals of the contract changes no number of a load by more than 0.1 %.",
            finding="Rounding changes numbers in {n} (column of a load|columns of loads) by more than 0.1 %",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="A small number may count as 0; give it in a smaller unit, such as grams for kilograms, and load again.",
            failing="""
SELECT
    batch.feed, batch.load_id, batch.source, entry.column_name, entry.row_count, entry.largest_change,
    array_to_string(entry.first_records, ', ') AS first_records, NULL::DATE AS period_month
FROM batch, unnest(from_json(rounded, '[{"column_name": "VARCHAR", "row_count": "BIGINT",
    "largest_change": "DECIMAL(9, 4)", "first_records": ["BIGINT"]}]')) AS entries(entry)""",
            keys=("feed", "load_id", "source", "column_name", "row_count", "largest_change", "first_records"),
        ),
        Rule(
            name="loads.no_source_refused",
            sentence="Every source could be read.",
            finding="{n} (source|sources) could not be read",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="Nothing of the refused source is in the figures; fix it, load it and close again.",
            failing="""
SELECT refused.*
FROM batch AS refused
ANTI JOIN batch AS later
    ON later.feed = refused.feed AND later.source = refused.source
    AND later.status = 'loaded' AND later.load_id > refused.load_id
WHERE refused.status = 'failed'""",
            keys=("feed", "load_id", "source", "message"),
        ),
        Rule(
            name="loads.corrections_stand",
            sentence="No row goes back to what it was before a correction that came in another file.",
            finding="{n} (row went|rows went) back to what (it was|they were) before a correction",
            owner=Owner.DATA,
            severity=Severity.WARNING,
            if_it_fails="An old export was loaded again, and the correction is undone; correct the row in the source or in "
            "corrections.toml, or confirm that the old values hold.",
            failing=sql_text("checks/templates/corrections_stand.sql", feeds=_WATCHED),
            keys=("feed", "row_key", "columns", "source", "corrected_by"),
        ),
    ),
)
