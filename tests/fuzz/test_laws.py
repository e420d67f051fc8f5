"""What holds for every file, however it came to be: tried on files that chance has damaged.

1. Of every load that is not refused, the rows read are loaded, unchanged or rejected, and each of them is the row it was.
2. The order of the same rows, and how they are spread over files, does not change what `core` shows.
3. No exception escapes: a file loads, or it is refused with one line and leaves the books as they were.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import assume, event, given, note
from hypothesis import strategies as st

from kam.site import Kind
from tests.fuzz.books import Books, books
from tests.fuzz.examples import law
from tests.fuzz.files import FORMATS, as_csv, cells, count_of_records, dialects, formats, mutations, written
from tests.fuzz.rows import Row, Table, is_bad, key_of, meant, rows_of, shown, spoilt, tables, without_conflicts

_JUNK = st.sampled_from(
    ("", " ", "x", "-1", "1.234,56", "(5)", "5-", "1e3", "nan", "inf", "1_000", "99999999999999999999", "2026-02-30", "31.12.2026",
     "0001-01-01", "9999-12-31", "infinity", "epoch", "2026-13", "EURO", "eur", "NULL", "\x00", "\x1f", "\x1e", "\r", "\n", "\ufeff",
     "\u2028", "\u00a0", "a" * 3_000)
) | st.text(max_size=6)  # fmt: skip


@law(percent=65)
@given(data=st.data(), table=tables(max_rows=4), ending=formats, first_is_good=st.booleans())
def test_damaged_bytes_load_or_are_refused(data: Any, table: Table, ending: str, first_is_good: bool) -> None:
    """Laws 1 and 3, in each format."""
    whole = FORMATS[ending](table)
    content = data.draw(mutations(whole))
    with books(table.feed.name) as kept:
        if first_is_good:
            kept.deliver(whole, f"delivery{ending}")
        result = kept.deliver(content, f"delivery{ending}")
        event(f"{ending} {result.status}")
        if ending == ".csv" and result.status == "loaded":
            assert count_of_records(content) in (None, result.read_count)


@law(percent=12)
@given(data=st.data(), table=tables(min_rows=1, max_rows=5), dialect=dialects)
def test_each_record_of_a_sound_file_with_odd_cells_is_accounted_for(data: Any, table: Table, dialect: Any) -> None:
    """Laws 1 and 3: cells that mean nothing, columns doubled in sense or unknown; the file itself is well-formed."""
    records = [cells(table, row, dialect) for row in table.rows]
    header = list(table.columns)
    for _ in range(data.draw(st.integers(0, 2))):
        header.append(
            data.draw(st.sampled_from(("Remark", "#", "source_row", "load_id", "given_x", "record", "rowid")))
        )
        records = [[*record, data.draw(_JUNK)] for record in records]
    assume(len(set(header)) == len(header))
    encodable = _JUNK.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
    for _ in range(data.draw(st.integers(1, 4))):
        record = data.draw(st.sampled_from(records))
        record[data.draw(st.integers(0, len(header) - 1))] = data.draw(encodable)
    content = written(header, records, dialect)
    note(repr(content))
    with books(table.feed.name, csv=dialect) as kept:
        result = kept.deliver(content)
        event(result.status)
        if result.status == "loaded":
            assert result.read_count == len(records)
            _are_the_same_records(kept, result.load_id, header, records)


def _are_the_same_records(kept: Books, load_id: int | None, header: list[str], records: list[list[str]]) -> None:
    """A reject shows the cells of its own record, and a loaded row has its own record's identifiers."""
    for number, source in kept.rejected(load_id).items():
        shown = [source[name] or "" for name in header]
        assert shown == records[number - 1]
    identifiers = [name for name in kept.feed.required if kept.feed.column(name).kind is Kind.ID]
    for number, row in kept.loaded(load_id).items():
        for name in identifiers:
            assert row[name] == records[number - 1][header.index(name)].strip(" \t\r\n\u00a0\u202f")


@st.composite
def _spread(draw: st.DrawFn) -> tuple[Table, list[list[Row]]]:
    """Rows no two of which contradict each other, some unreadable, some twice; and the same rows spread over files."""
    table = draw(tables(min_rows=1, max_rows=10))
    rows = list(table.rows)
    for row in draw(st.lists(st.sampled_from(rows), max_size=4)):
        rows.append(draw(st.sampled_from((row, spoilt(table, row) or row))))
    table = without_conflicts(Table(table.feed, table.columns, tuple(rows)))
    shuffled = draw(st.permutations(table.rows))
    places = draw(st.lists(st.integers(0, 2), min_size=len(shuffled), max_size=len(shuffled)))
    files = [[row for row, place in zip(shuffled, places, strict=True) if place == number] for number in range(3)]
    return table, files


@law(percent=7)
@given(
    spread=_spread(),
    dialect=dialects,
    mode=st.sampled_from(("upsert", "append")),
    line_end=st.sampled_from(("\n", "\r\n")),
)
def test_order_and_batching_do_not_change_core(
    spread: tuple[Table, list[list[Row]]], dialect: Any, mode: str, line_end: str
) -> None:
    """Law 2 against the values that were written, in any dialect."""
    table, files = spread
    expected = {meant(table.feed, row) for row in table.rows if not is_bad(row)}
    with books(table.feed.name, mode=mode, csv=dialect) as kept:
        for rows in files:
            kept.deliver(as_csv(Table(table.feed, table.columns, tuple(rows)), dialect, line_end=line_end))
        assert Counter(kept.core()) == shown(table.feed, expected)


@law(percent=7)
@given(spread=_spread(), endings=st.lists(st.sampled_from(tuple(FORMATS)), min_size=3, max_size=3))
def test_the_format_of_a_file_does_not_change_core(spread: tuple[Table, list[list[Row]]], endings: list[str]) -> None:
    """Law 2 against the values that were written, each file in a format of its own."""
    table, files = spread
    expected = {meant(table.feed, row) for row in table.rows if not is_bad(row)}
    with books(table.feed.name) as kept:
        for rows, ending in zip(files, endings, strict=True):
            if rows:
                kept.deliver(FORMATS[ending](Table(table.feed, table.columns, tuple(rows))), f"delivery{ending}")
        assert Counter(kept.core()) == shown(table.feed, expected)


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[Table, list[list[Row]]]:
    """One to four deliveries of a feed whose few keys come again and again, with other content and without."""
    table = draw(tables(few_values=True, max_rows=0))
    row = rows_of(table.feed, table.columns, few_values=True)
    batches = draw(st.lists(st.lists(row, max_size=5), min_size=1, max_size=4))
    marks = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=3))
    for batch, place in marks:
        if batch < len(batches) and place < len(batches[batch]):
            batches[batch][place] = spoilt(table, batches[batch][place]) or batches[batch][place]
    return table, batches


@law(percent=9)
@given(deliveries=_deliveries(), mode=st.sampled_from(("upsert", "append", "snapshot")))
def test_the_books_keep_what_a_dictionary_would(deliveries: tuple[Table, list[list[Row]]], mode: str) -> None:
    """Law 1 over several deliveries: counts and `core` as worked out by hand, and what was known stays known."""
    table, batches = deliveries
    current: dict[Any, Any] = {}
    known: dict[int, Any] = {}
    last: bytes | None = None
    with books(table.feed.name, mode=mode) as kept:
        for batch in batches:
            content = as_csv(Table(table.feed, table.columns, tuple(batch)))
            result = kept.deliver(content)
            if content == last:
                assert result.status == "already loaded"
                continue
            if mode == "snapshot" and _lost(table, batch, current) > len(current) / 2:
                assert result.status == "failed"
                result = kept.deliver(content, accept_shrink=True)
            assert result.status == "loaded"
            last = content
            expected = _posted(table, batch, mode, current)
            note(f"{content!r}: {result}")
            assert (
                result.loaded_count,
                result.unchanged_count,
                result.rejected_count,
                result.superseded_count,
            ) == expected
            assert Counter(kept.core()) == shown(table.feed, current.values())
            assert result.load_id is not None
            known[result.load_id] = kept.core()
        for load_id, rows in known.items():
            assert kept.core(load_id) == rows


def _lost(table: Table, batch: list[Row], current: dict[Any, Any]) -> int:
    """How many current rows a full extract lacks."""
    return len(current.keys() - {key_of(table.feed, row) for row in batch})


def _posted(table: Table, batch: list[Row], mode: str, current: dict[Any, Any]) -> tuple[int, int, int, int]:
    """Post a delivery to the dictionary; rows loaded, unchanged, rejected, superseded."""
    keys = [key_of(table.feed, row) for row in batch]
    contents: dict[Any, set[Any]] = {}
    for key, row in zip(keys, batch, strict=True):
        if not is_bad(row):
            contents.setdefault(key, set()).add(meant(table.feed, row))
    good = {key: next(iter(found)) for key, found in contents.items() if len(found) == 1}
    if mode == "append":
        good = {key: content for key, content in good.items() if current.get(key, content) == content}
    loaded = {key for key, content in good.items() if current.get(key) != content}
    absent = current.keys() - set(keys) if mode == "snapshot" else set()
    superseded = len(loaded & current.keys()) + len(absent)
    for key in absent:
        del current[key]
    current.update(good)
    return len(loaded), len(good) - len(loaded), len(batch) - len(good), superseded
