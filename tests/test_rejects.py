"""Rejected rows: listed with their status, exported as the source writes, settled by the load that fixes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kam.cli.status import site_rejects
from kam.errors import UsageError
from kam.ingest import LoadResult
from kam.ingest.rejects import export
from kam.site import find_site
from kam.warehouse import open_read_only, prepare, rows, transaction, warehouse
from tests.support import ingest, long

HEADER = "order_id,line_no,account_id,order_date,quantity\n"
GERMAN = (
    'csv = { delimiter = ";", encoding = "latin-1", decimal = ",", date_format = "%d.%m.%Y", skip_rows = 2 }\n'
    'columns = { order_id = "Auftrag", account_id = "Kunde", order_date = "Datum", quantity = "Menge" }'
)


class Books:
    """A site with a feed of orders."""

    def __init__(self, folder: Path, settings: str = "", files: str = "landing/*.csv") -> None:
        self.folder = folder
        (folder / "landing").mkdir()
        self.configure(settings, files)

    def configure(self, settings: str, files: str = "landing/*.csv") -> None:
        text = f'[site]\nname = "Books"\n[feeds.orders]\nfiles = "{files}"\n{settings}\n'
        (self.folder / "kam.toml").write_text(text, encoding="utf-8")

    def deliver(self, name: str, content: str, encoding: str = "utf-8") -> LoadResult:
        """Load one more file; its result."""
        (self.folder / "landing" / name).write_bytes(content.encode(encoding))
        return self.load()[-1]

    def load(self) -> list[LoadResult]:
        site = find_site(self.folder)
        with warehouse(site) as con:
            return [result for result in ingest(con, site) if result.status != "already loaded"]

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse(find_site(self.folder)) as con:
            return rows(con, sql)

    def statuses(self) -> list[tuple[int, int, str, int | None]]:
        """Load, record, status and settling load of each reject."""
        found = self.query(
            "SELECT DISTINCT load_id, source_row, status, resolved_load_id FROM staging.rejects ORDER BY ALL"
        )
        return [tuple(row.values()) for row in found]  # type: ignore[misc]

    def export(self, name: str = "fix.csv") -> Path:
        file = self.folder / name
        site = find_site(self.folder)
        with open_read_only(site) as con:
            export(con, site, "orders", file)
        return file


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_a_fixed_row_resolves_its_reject(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n2,1,A,2026-01-05,x\n")
    assert books.statuses() == [(1, 1, "open", None), (1, 2, "open", None)]
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,5\n")
    assert books.statuses() == [(1, 1, "resolved", 2), (1, 2, "open", None)]


@long
def test_a_row_rejected_again_is_replaced_by_its_newer_reject(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n")
    books.deliver("b.csv", HEADER + "1,1,A,sooner,5\n")
    assert books.statuses() == [(1, 1, "replaced", 2), (2, 1, "open", None)]
    books.deliver("c.csv", HEADER + "1,1,A,2026-01-05,5\n")
    assert books.statuses() == [(1, 1, "replaced", 2), (2, 1, "resolved", 3)]


def test_rows_with_one_key_and_two_contents_are_resolved_by_the_right_one(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,2026-01-05,5\n1,1,A,2026-01-05,6\n")
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,6\n")
    assert books.statuses() == [(1, 1, "resolved", 2), (1, 2, "resolved", 2)]


def test_a_good_row_of_the_same_load_fixes_nothing(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,2026-01-05,5\n1,1,A,soon,5\n")
    assert books.statuses() == [(1, 2, "open", None)]


@long
def test_a_key_that_was_itself_at_fault_is_resolved_through_the_exported_file(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,one,A,2026-01-05,5\n,2,A,2026-01-05,7\n")
    text = books.export().read_text(encoding="utf-8")
    assert text.splitlines()[0] == "order_id,line_no,account_id,order_date,quantity,kam_reject,kam_rule,kam_message"
    assert "1,one,A,2026-01-05,5,1-1,type," in text
    result = books.deliver("fix.csv", text.replace("one", "1"))
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert books.statuses() == [(1, 1, "resolved", 2), (1, 2, "replaced", 2), (2, 2, "open", None)]


@long
def test_the_export_of_an_export_has_the_source_columns_once(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,one,A,2026-01-05,5\n")
    books.deliver("fix.csv", books.export().read_text(encoding="utf-8"))
    again = books.export("again.csv").read_text(encoding="utf-8").splitlines()
    assert again[0] == "order_id,line_no,account_id,order_date,quantity,kam_reject,kam_rule,kam_message"
    assert [line.split(",")[5] for line in again[1:]] == ["2-1"]


def test_the_export_is_written_as_the_source_writes_and_loads_as_it_is(tmp_path: Path) -> None:
    books = Books(tmp_path, GERMAN)
    head = "Export\n\nAuftrag;Kunde;Datum;Menge;Bemerkung\n"
    books.deliver("a.csv", head + 'A;Müller;32.01.2026;1,5;"eilig; ""sofort"""\n', "latin-1")
    exported = books.export().read_bytes().decode("latin-1")
    assert exported.splitlines()[3].startswith('A;Müller;32.01.2026;1,5;"eilig; ""sofort""";1-1;type;')
    result = books.deliver("fix.csv", exported.replace("32.01", "31.01"), "latin-1")
    assert (result.read_count, result.loaded_count) == (1, 1)
    assert books.statuses() == [(1, 1, "resolved", 2)]


def test_each_rejected_row_is_exported_once_with_all_that_is_wrong(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,\n2,1,A,2026-01-05,1\n")
    (line,) = books.export().read_text(encoding="utf-8").splitlines()[1:]
    assert "required; type" in line


def test_a_record_with_too_many_cells_is_exported_with_all_of_them(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,2026-01-05,5,surplus\n2,1,A,2026-01-05,1\n")
    (line,) = books.export().read_text(encoding="utf-8").splitlines()[1:]
    assert line.startswith("1,1,A,2026-01-05,5,1-1,ragged,")
    assert line.endswith(': 1,1,A,2026-01-05,5,surplus"')


def test_only_what_is_open_is_exported_and_no_file_without_any(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n")
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,5\n")
    assert not books.export().exists()


def test_an_export_never_overwrites_a_file(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n")
    books.export()
    with pytest.raises(UsageError, match="the file already exists"):
        books.export()


def test_another_mapping_of_the_same_file_settles_what_the_first_rejected(books: Books) -> None:
    books.deliver("a.csv", HEADER + '1,"1,0",A,05.01.2026,5\n2,"x",A,05.01.2026,5\n')
    books.configure('csv = { decimal = ",", date_format = "%d.%m.%Y" }')
    books.load()
    assert books.statuses() == [(1, 1, "resolved", 2), (1, 2, "replaced", 2), (2, 2, "open", None)]


def test_a_full_extract_settles_the_rejects_of_those_before_it(tmp_path: Path) -> None:
    books = Books(tmp_path, 'mode = "snapshot"')
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n2,1,A,soon,5\n3,1,A,soon,5\n")
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,5\n2,1,A,soon,5\n")
    # Order 1 is fixed, order 2 is still wrong, order 3 is gone.
    assert books.statuses() == [
        (1, 1, "resolved", 2),
        (1, 2, "replaced", 2),
        (1, 3, "resolved", 2),
        (2, 2, "open", None),
    ]


def test_the_list_says_by_which_load_a_reject_was_resolved(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n2,1,A,2026-01-05,x\n")
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,5\n")
    report = site_rejects(find_site(books.folder), "orders")
    assert [(row["Load"], row["Rule"], row["Status"]) for row in report.by_rule] == [
        (1, "type", "resolved by load 2"),
        (1, "type", "open"),
    ]
    assert [row["Record"] for row in report.rows] == ["2"]


@long
def test_a_warehouse_of_an_earlier_release_gains_the_columns_and_its_rejects_are_open(books: Books) -> None:
    books.deliver("a.csv", HEADER + "1,1,A,soon,5\n")
    with warehouse(find_site(books.folder)) as con:
        with transaction(con):
            for column in ("status", "business_key", "resolved_load_id"):
                con.execute(f"ALTER TABLE staging.rejects DROP COLUMN {column}")
            con.execute("ALTER TABLE ops.loads DROP COLUMN watermark")
            con.execute(
                "CREATE OR REPLACE TABLE staging.orders AS "
                "SELECT * EXCLUDE (superseded_load_id, promised_date) REPLACE (unit_price::DECIMAL(18, 4) AS unit_price), "
                "0::UBIGINT AS row_hash, superseded_load_id FROM staging.orders"
            )
            con.execute("UPDATE ops.shape SET sha256 = 'of an earlier release'")
        prepare(con, "EUR")
    assert books.statuses() == [(1, 1, "open", None)]
    books.deliver("b.csv", HEADER + "1,1,A,2026-01-05,5\n2,1,A,2026-01-05,7\n")
    found = books.query("SELECT order_id, quantity, load_id FROM core.orders ORDER BY ALL")
    assert [tuple(row.values()) for row in found] == [("1", 5, 2), ("2", 7, 2)]
    (types,) = books.query(
        "SELECT typeof(promised_date) AS promised, typeof(unit_price) AS price FROM core.orders LIMIT 1"
    )
    assert types == {"promised": "DATE", "price": "DECIMAL(24,10)"}


def _of_many_columns(count: int) -> str:
    """Two order lines, the second one of no day, with this many columns that nothing uses."""
    header = HEADER.strip() + "".join(f",x{number}" for number in range(count))
    return "\n".join((header, f"1,1,A,2026-01-05,5{',v' * count}", f"2,1,A,soon,5{',v' * count}")) + "\n"


@long
def test_a_row_of_ten_thousand_columns_is_rejected_and_loads_again(books: Books) -> None:
    result = books.deliver("a.csv", _of_many_columns(10_000))
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    file = books.export()
    books.deliver("b.csv", file.read_text().replace("soon", "2026-01-06"))
    assert books.statuses() == [(1, 2, "resolved", 2)]


def test_what_a_row_of_many_columns_says_is_kept(books: Books) -> None:
    books.deliver("a.csv", _of_many_columns(600))
    (reject,) = books.query("SELECT column_name, source_row, source ->> '$.x599' AS last FROM staging.rejects")
    assert reject == {"column_name": "order_date", "source_row": 2, "last": "v"}


def test_rows_that_fit_no_memory_are_refused_in_one_line(tmp_path: Path) -> None:
    books = Books(tmp_path)
    settings = tmp_path / "kam.toml"
    settings.write_text(settings.read_text().replace("[site]\n", '[site]\nmemory_limit = "60MB"\n'))
    result = books.deliver("a.csv", _of_many_columns(1_500))
    assert result.message.startswith(
        "orders: landing/a.csv: its 1,505 columns take more memory than [site] memory_limit"
    )
    assert books.query("FROM staging.rejects") == []
