"""What a load would do, without doing it."""

from __future__ import annotations

from kam.ingest import questions, rejects, rounding
from kam.ingest.incoming import clean_up, columns_of, counted, kept_names, mark, read_rows
from kam.ingest.results import Examination, FaultKind
from kam.ingest.row_rules import Reading
from kam.ingest.sources import Extract, opened
from kam.site import Site
from kam.warehouse import Connection, rows

_SAMPLE_ROWS = 5
# What several feeds call the same things by.
_COMMON_IDENTIFIERS = ("account_id", "product_id")
_MOST_IDENTIFIERS = 100_000


def examine(con: Connection, site: Site, extract: Extract, *, is_known: bool = False) -> Examination:
    """Read an extract as a load would, and say what would be rejected; writes nothing.

    An extract that `is_known` was loaded before: what a load asks about it was answered then.
    Raises `SourceRefusedError` when it cannot be read at all, `SettingsError` when its mapping does not work.
    """
    source = site.settings.source(extract.feed)
    try:
        with opened(con, site, extract, source) as relation:
            reading = read_rows(con, extract, source, relation)
            if not is_known:
                questions.require_one_document_a_number(con, site, extract, reading)
            mark(con, reading, beside="", fills=False)
            con.execute(f"CREATE OR REPLACE TEMP TABLE faults AS {rejects.reject_rows(con, reading, extract.source)}")
            faults = con.execute("SELECT rule, count(DISTINCT place) FROM faults GROUP BY ALL ORDER BY rule")
            by_rule = dict(faults.fetchall())
            kinds = _kinds(con)
            sample = rows(
                con,
                f"SELECT {columns_of(reading)} FROM incoming WHERE verdict IN {rejects.ACCEPTED} ORDER BY rowid LIMIT {_SAMPLE_ROWS}",
            )
            counts, left_out = counted(con)
            remark = "" if is_known else questions.about_names(extract, reading)
            rounded = rounding.in_words(rounding.roundings(con, reading.too_long, record=reading.record_number))
            identifiers = _identifiers(con, reading)
    finally:
        clean_up(con)
    read = counts.total()
    return Examination(
        extract.feed,
        extract.source,
        read,
        read - counts["good"],
        by_rule,
        sample,
        left_out,
        identifiers,
        kinds,
        remark,
        rounded,
    )


def _kinds(con: Connection) -> list[FaultKind]:
    """The faults by column, rule and message, the most frequent first."""
    found = con.execute(
        f"""
        SELECT column_name, rule, message, count(*), (list(source_row ORDER BY place))[:{_SAMPLE_ROWS}],
               (list(source_column ORDER BY place))[:{_SAMPLE_ROWS}], (list(value ORDER BY place))[:{_SAMPLE_ROWS}]
        FROM faults GROUP BY column_name, rule, message ORDER BY count(*) DESC, column_name, rule, message
        """
    )
    return [
        FaultKind(column or "", rule, message, count, list(zip(records, columns, values, strict=True)))
        for column, rule, message, count, records, columns, values in found.fetchall()
    ]


def _identifiers(con: Connection, reading: Reading) -> dict[str, frozenset[str]]:
    """The values of each identifier that other feeds have too, as far as rows are accepted."""
    found = {
        name: con.execute(
            f"SELECT DISTINCT {name} FROM incoming WHERE verdict IN {rejects.ACCEPTED} AND {name} IS NOT NULL "
            f"LIMIT {_MOST_IDENTIFIERS}"
        ).fetchall()
        for name in kept_names(reading)
        if name in _COMMON_IDENTIFIERS
    }
    return {name: frozenset(value for (value,) in values) for name, values in found.items()}
