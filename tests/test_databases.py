"""Feeds from databases: nothing is lost or doubled between runs, and no secret is shown."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.archive import archived
from kam.errors import DatabaseUnreachableError, SettingsError
from kam.ingest import LoadResult, load
from kam.ingest.readers.databases import lowered, parsed, written
from kam.site import find_site
from kam.warehouse import rows, warehouse
from tests.mariadb import MariaDb, mariadb  # noqa: F401 - the fixture
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - the fixture
from tests.stores import lose_warehouse
from tests.support import ingest, long

TABLE = """
    CREATE TABLE sales (
        order_id varchar(10), account_id varchar(10), order_date date,
        quantity numeric(12, 3), unit_price numeric(12, 2), changed_at {timestamp}
    )
"""
QUERY = "SELECT order_id, account_id, order_date, quantity, unit_price, changed_at FROM sales"
SINCE = f"{QUERY} WHERE changed_at > :watermark"


class Books:
    """A site with the one feed `orders`, read from a database, and that database."""

    def __init__(self, folder: Path, execute: Callable[[str], None], dialect: str) -> None:
        self.folder, self.execute, self.dialect = folder, execute, dialect
        self.configure(SINCE, 'watermark = "changed_at"')

    def configure(self, query: str, *settings: str) -> None:
        lines = (
            '[site]\nname = "Books"\n[feeds.orders]\ndatabase = "env:ERP_URL"',
            f'query = """{query}"""',
            *settings,
        )
        (self.folder / "kam.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def sell(self, order_id: str, changed_at: str | None, quantity: str = "1", price: str = "9.50") -> None:
        moment = f"'{changed_at}'" if changed_at else "NULL"
        self.execute(f"INSERT INTO sales VALUES ('{order_id}', 'A', '2026-05-01', {quantity}, {price}, {moment})")

    def load(self) -> list[LoadResult]:
        site = find_site(self.folder)
        with warehouse(site) as con:
            return ingest(con, site)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse(find_site(self.folder)) as con:
            return rows(con, sql)

    def orders(self) -> dict[str, Decimal]:
        return {row["order_id"]: row["quantity"] for row in self.query("FROM core.orders ORDER BY order_id")}


def _sqlite(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    file = folder / "erp.sqlite"
    monkeypatch.setenv("ERP_URL", f"sqlite:///{file}")

    def execute(statement: str) -> None:
        con = sqlite3.connect(file)
        with con:
            con.execute(statement)
        con.close()

    execute(TABLE.format(timestamp="timestamp"))
    return Books(folder, execute, "sqlite")


def _postgresql(folder: Path, monkeypatch: pytest.MonkeyPatch, server: PostgreSql) -> Books:
    url = server.new_database()
    monkeypatch.setenv("ERP_URL", url)
    server.run(url, TABLE.format(timestamp="timestamp"))
    return Books(folder, lambda statement: server.run(url, statement), "postgresql")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=long)])
def books(request: pytest.FixtureRequest, site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    if request.param == "sqlite":
        yield _sqlite(site_folder, monkeypatch)
    else:
        yield _postgresql(site_folder, monkeypatch, request.getfixturevalue("postgresql"))


@pytest.fixture
def server_books(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql: PostgreSql,  # noqa: F811 - pytest's way
) -> Books:
    return _postgresql(site_folder, monkeypatch, postgresql)


def counts(result: LoadResult) -> tuple[int, int, int, int]:
    """read, loaded, unchanged, rejected"""
    return result.read_count, result.loaded_count, result.unchanged_count, result.rejected_count


def test_values_arrive_as_they_are(books: Books) -> None:
    books.execute("INSERT INTO sales VALUES ('00123', 'Ä', '2026-05-31', 0.125, 19.99, '2026-05-31 12:00:00')")
    (result,) = books.load()
    assert counts(result) == (1, 1, 0, 0)
    (row,) = books.query("FROM core.orders")
    assert (row["order_id"], row["account_id"], row["order_date"]) == ("00123", "Ä", dt.date(2026, 5, 31))
    assert (row["quantity"], row["unit_price"]) == (Decimal("0.125"), Decimal("19.99"))


def test_a_run_reads_what_changed_since_the_last(books: Books) -> None:
    books.sell("1", "2026-05-01 10:00:00")
    books.sell("2", "2026-05-02 10:00:00")
    books.load()
    books.execute("UPDATE sales SET quantity = 7, changed_at = '2026-05-03 10:00:00' WHERE order_id = '1'")
    books.sell("3", "2026-05-03 11:00:00")
    (result,) = books.load()
    # Order 2 carries the watermark itself and is read again; order 1 is a correction.
    assert counts(result) == (3, 2, 1, 0)
    assert books.orders() == {"1": 7, "2": 1, "3": 1}
    assert books.query("SELECT watermark FROM ops.loads ORDER BY load_id") == [
        {"watermark": "timestamp 2026-05-02 10:00:00" if books.dialect == "postgresql" else "text 2026-05-02 10:00:00"},
        {"watermark": "timestamp 2026-05-03 11:00:00" if books.dialect == "postgresql" else "text 2026-05-03 11:00:00"},
    ]


@pytest.mark.parametrize("comparison", [">", ">="])
def test_a_row_that_arrives_late_with_the_same_watermark_is_not_lost(books: Books, comparison: str) -> None:
    books.configure(SINCE.replace(">", comparison), 'watermark = "changed_at"')
    books.sell("1", "2026-05-01 10:00:00.123")
    books.load()
    books.sell("2", "2026-05-01 10:00:00.123")
    (result,) = books.load()
    assert counts(result) == (2, 1, 1, 0)
    assert books.orders() == {"1": 1, "2": 1}


def test_nothing_new_is_no_new_load(books: Books) -> None:
    assert books.load() == []
    books.sell("1", "2026-05-01 10:00:00")
    books.load()
    assert [result.status for result in books.load()] == ["already loaded"]
    assert len(books.query("FROM ops.loads")) == 1


def test_a_crash_before_the_commit_leaves_no_gap_and_no_double(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.sell("1", "2026-05-01 10:00:00")
    books.load()
    books.sell("2", "2026-05-02 10:00:00")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(load, "_commit", stop)
        with pytest.raises(KeyboardInterrupt):
            books.load()
    assert books.orders() == {"1": 1}
    books.sell("3", "2026-05-03 10:00:00")
    (result,) = books.load()
    assert counts(result) == (3, 2, 1, 0)
    assert books.orders() == {"1": 1, "2": 1, "3": 1}


def test_a_crash_after_the_commit_reads_nothing_twice(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.sell("1", "2026-05-01 10:00:00")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kam.archive.ledger.add_load", stop)
        with pytest.raises(KeyboardInterrupt):
            books.load()
    assert [result.status for result in books.load()] == ["already loaded"]
    assert books.orders() == {"1": 1}


def test_rows_without_a_watermark_are_loaded_where_the_query_gives_them(books: Books) -> None:
    books.configure(SINCE + " OR changed_at IS NULL", 'watermark = "changed_at"')
    books.sell("1", None)
    (first,) = books.load()
    assert (counts(first), books.query("SELECT watermark FROM ops.loads")) == ((1, 1, 0, 0), [{"watermark": None}])
    books.sell("2", "2026-05-01 10:00:00")
    (second,) = books.load()
    assert counts(second) == (2, 1, 1, 0)


def test_a_number_is_a_watermark_that_says_where_it_starts(books: Books) -> None:
    books.execute("CREATE TABLE log (order_id varchar(10), version integer)")
    books.execute("INSERT INTO log VALUES ('1', 7)")
    query = "SELECT order_id, 'A' AS account_id, '2026-05-01' AS order_date, 1 AS quantity, version FROM log"
    books.configure(f"{query} WHERE version > :watermark", 'watermark = "version"', "watermark_start = 0")
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    books.execute("INSERT INTO log VALUES ('2', 7), ('3', 8)")
    assert counts(books.load()[0]) == (3, 2, 1, 0)


@long
def test_a_query_without_a_watermark_is_a_full_extract(books: Books) -> None:
    books.configure(QUERY, 'mode = "snapshot"')
    for number in ("1", "2", "3"):
        books.sell(number, "2026-05-01 10:00:00")
    books.load()
    books.execute("DELETE FROM sales WHERE order_id = '2'")
    books.load()
    assert books.orders() == {"1": 1, "3": 1}
    books.sell("2", "2026-05-01 10:00:00")
    books.load()
    assert books.orders() == {"1": 1, "2": 1, "3": 1}


def test_another_query_starts_over(books: Books) -> None:
    books.sell("1", "2026-05-01 10:00:00")
    books.load()
    books.configure(SINCE.replace("quantity,", "quantity * 2 AS quantity,"), 'watermark = "changed_at"')
    books.load()
    assert books.orders() == {"1": 2}


def test_a_query_may_lie_in_a_file_and_another_text_of_it_starts_over(books: Books) -> None:
    file = books.folder / "queries" / "orders.sql"
    file.parent.mkdir()
    file.write_text(f"-- what changed: all of it\n{SINCE};\n", encoding="utf-8")
    settings = '[feeds.orders]\ndatabase = "env:ERP_URL"\nquery_file = "queries/orders.sql"\nwatermark = "changed_at"\n'
    (books.folder / "kam.toml").write_text(f'[site]\nname = "Books"\n{settings}', encoding="utf-8")
    books.sell("1", "2026-05-01 10:00:00")
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    assert [result.status for result in books.load()] == ["already loaded"]
    file.write_text(SINCE.replace("quantity,", "quantity * 2 AS quantity,"), encoding="utf-8")
    books.load()
    assert books.orders() == {"1": 2}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("queries/a.sql", None, "feeds.orders.query_file: queries/a.sql: no such file in "),
        ("queries/a.sql", b" \n", "the file is empty; expected a SELECT"),
        ("queries/a.sql", b"select '\xff'", "not UTF-8 text"),
        ("queries", None, "cannot be read: Is a directory"),
        ("../a.sql", None, "../a.sql: expected a file below the site"),
        ('queries/a.sql"\nquery = "select 1', b"select 1", "expected one of `query` and `query_file`, not both"),
    ],
)
def test_a_query_file_that_cannot_be_read_is_an_error_of_the_settings(
    site_folder: Path, name: str, text: bytes | None, message: str
) -> None:
    (site_folder / "queries").mkdir()
    if text is not None:
        (site_folder / "queries" / "a.sql").write_bytes(text)
    feed = f'[feeds.orders]\ndatabase = "env:ERP_URL"\nquery_file = "{name}"\n'
    (site_folder / "kam.toml").write_text(f'[site]\nname = "Books"\n{feed}', encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(message)):
        find_site(site_folder)


def test_what_was_read_is_in_the_archive_and_needs_no_database(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.sell("1", "2026-05-01 10:00:00")
    books.load()
    (load,) = books.query("FROM ops.loads")
    kept = archived(find_site(books.folder), load["sha256"])
    assert books.query(f"SELECT order_id, unit_price FROM read_parquet('{kept}')") == [
        {"order_id": "1", "unit_price": Decimal("9.50")}
    ]
    monkeypatch.delenv("ERP_URL")
    before = books.query("FROM core.orders")
    lose_warehouse(find_site(books.folder))
    from kam.audit import rebuild

    rebuild(find_site(books.folder))
    assert books.query("FROM core.orders") == before
    assert books.query("SELECT watermark FROM ops.loads") == [{"watermark": load["watermark"]}]


def test_a_bad_row_is_rejected_with_the_values_of_the_database(books: Books) -> None:
    books.sell("1", "2026-05-01 10:00:00", quantity="-5")
    (result,) = books.load()
    assert counts(result) == (1, 0, 0, 1)
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["file"], reject["column_name"], reject["rule"]) == ("env:ERP_URL", "quantity", "negative")


def test_many_batches_are_one_load(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kam.ingest.readers.databases._BATCH_ROWS", 2)
    for number in range(5):
        books.sell(str(number), f"2026-05-01 10:00:0{number}", quantity=f"{number}.5" if number else "1")
    assert counts(books.load()[0]) == (5, 5, 0, 0)
    assert books.orders() == {
        "0": 1,
        "1": Decimal("1.5"),
        "2": Decimal("2.5"),
        "3": Decimal("3.5"),
        "4": Decimal("4.5"),
    }


REFUSED = [
    ("SELECT nonsense FROM sales WHERE changed_at > :watermark", "nonsense"),
    ("SELECT order_id FROM sales WHERE changed_at > :watermark", "no column 'changed_at'"),
    ("SELECT order_id, changed_at, account_id AS order_id FROM sales WHERE changed_at > :watermark", "two columns"),
    (f"{SINCE} AND quantity > :least", "least"),
]


@pytest.mark.parametrize(("query", "words"), REFUSED)
def test_a_query_that_does_not_work_is_one_clear_line(books: Books, query: str, words: str) -> None:
    books.sell("1", "2026-05-01 10:00:00")
    books.configure(query, 'watermark = "changed_at"')
    (result,) = books.load()
    assert result.status == "failed"
    assert result.message.startswith("orders: env:ERP_URL: ")
    assert words in result.message
    assert "\n" not in result.message
    assert "watermark_start" not in result.message


def test_a_watermark_of_another_type_is_told_how_to_begin(server_books: Books) -> None:
    server_books.configure(f"{QUERY} WHERE quantity > :watermark", 'watermark = "quantity"')
    (result,) = server_books.load()
    assert "If quantity is not a date, set watermark_start to a value of its type, such as 0" in result.message


def test_the_query_cannot_change_the_database(server_books: Books) -> None:
    server_books.execute("CREATE SEQUENCE numbers")
    server_books.configure(SINCE.replace("order_id,", "nextval('numbers') AS order_id,", 1), 'watermark = "changed_at"')
    server_books.sell("1", "2026-05-01 10:00:00")
    (result,) = server_books.load()
    assert "read-only" in result.message


def test_a_timestamp_with_a_time_zone_is_a_watermark(server_books: Books) -> None:
    server_books.execute("ALTER TABLE sales ALTER changed_at TYPE timestamptz USING changed_at AT TIME ZONE 'UTC'")
    server_books.sell("1", "2026-05-01 10:00:00+02")
    server_books.load()
    server_books.sell("2", "2026-05-01 10:00:00+02")
    assert counts(server_books.load()[0]) == (2, 1, 1, 0)
    assert server_books.query("SELECT DISTINCT watermark FROM ops.loads")[0]["watermark"].startswith(
        "timestamp 2026-05-01"
    )


def _everything(books: Books, message: str) -> str:
    """All that a run leaves for others to read: its message, the ledgers and the tables."""
    tables = books.query("SELECT * FROM ops.loads") + books.query("SELECT * FROM staging.rejects")
    ledger = books.folder / "archive" / "ledger.ndjson"
    return message + str(tables) + (ledger.read_text(encoding="utf-8") if ledger.exists() else "")


@pytest.mark.parametrize("fault", ["nobody listens", "wrong password", "no such host"])
def test_an_unreachable_database_changes_nothing_and_shows_no_secret(
    server_books: Books,
    monkeypatch: pytest.MonkeyPatch,
    postgresql: PostgreSql,  # noqa: F811 - pytest's way
    fault: str,
) -> None:
    server_books.sell("1", "2026-05-01 10:00:00")
    server_books.load()
    before = server_books.query("FROM ops.loads")
    urls = {
        "nobody listens": postgresql.url(password="s3cr%2Ft", port=1),
        "wrong password": postgresql.url(password="s3cr%2Ft"),
        "no such host": "postgresql://reader:s3cr%2Ft@nowhere.invalid/books",
    }
    monkeypatch.setenv("ERP_URL", urls[fault])
    site = find_site(server_books.folder)
    with warehouse(site) as con, pytest.raises(DatabaseUnreachableError) as raised:
        list(load.ingest_feed(con, site, "orders"))
    message = str(raised.value)
    assert raised.value.exit_code == 1
    assert "\n" not in message
    assert server_books.query("FROM ops.loads") == before
    seen = _everything(server_books, message)
    assert "s3cr" not in seen
    assert "reader:" not in seen


def test_a_missing_variable_names_the_key(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERP_URL")
    with pytest.raises(SettingsError, match=r"feeds\.orders\.database: the environment variable ERP_URL is not set"):
        books.load()


@pytest.mark.parametrize(
    "url", ["reader:s3cret@host", "nosuchbase://reader:s3cret@host/books", "mysql+mysqlconnector://u:s3cret@h/d"]
)
def test_a_url_that_cannot_be_used_is_not_shown(books: Books, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ERP_URL", url)
    with pytest.raises(SettingsError) as raised:
        books.load()
    assert "s3cret" not in str(raised.value)


def test_a_sqlite_file_that_is_not_there_is_named_and_not_made(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = _sqlite(site_folder, monkeypatch)
    monkeypatch.setenv("ERP_URL", f"sqlite:///{site_folder / 'other.sqlite'}")
    (result,) = books.load()
    assert result.message.startswith("orders: env:ERP_URL: the database file ")
    assert not (site_folder / "other.sqlite").exists()


def test_a_url_in_the_settings_is_refused_and_not_shown(books: Books) -> None:
    file = books.folder / "kam.toml"
    file.write_text(file.read_text().replace("env:ERP_URL", "postgresql://reader:s3cret@host/books"))
    with pytest.raises(SettingsError, match=r"feeds\.orders\.database: expected \"env:NAME\"") as raised:
        find_site(books.folder)
    assert "s3cret" not in str(raised.value)


SETTINGS = [
    ('database = "env:A"', "`query`"),
    ('database = "env:A"\nquery = "SELECT 1"\nwatermark = "x"', ":watermark"),
    ('database = "env:A"\nquery = "SELECT 1 WHERE x > :watermark"', "watermark"),
    ('database = "env:A"\nquery = "SELECT 1"\nfiles = "a.csv"', "exactly one"),
    ('database = "env:A"\nquery = "SELECT 1"\ncsv = { decimal = "," }', "`csv`"),
    ('database = "env:A"\nquery = "SELECT 1 WHERE x > :watermark"\nwatermark = "x"\nmode = "snapshot"', "mode"),
    ('database = "env:A"\nquery = "SELECT 1"\nwatermark_start = 0', "`watermark_start`"),
    ('files = "a.csv"\nwatermark = "x"', "`database`"),
    ('files = "a.csv"\nsheet = "Orders"', "workbooks"),
]


@pytest.mark.parametrize(("settings", "words"), SETTINGS)
def test_settings_that_do_not_go_together_are_refused(site_folder: Path, settings: str, words: str) -> None:
    (site_folder / "kam.toml").write_text(f'[site]\nname = "Books"\n[feeds.orders]\n{settings}\n')
    with pytest.raises(SettingsError) as raised:
        find_site(site_folder)
    assert "feeds.orders" in str(raised.value)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("watermark", "text", "before"),
    [
        (
            dt.datetime(2026, 5, 1, 10, 0, 0, 5),
            "timestamp 2026-05-01 10:00:00.000005",
            dt.datetime(2026, 5, 1, 9, 59, 59, 5),
        ),
        (dt.date(2026, 5, 1), "date 2026-05-01", dt.date(2026, 4, 30)),
        (42, "integer 42", 41),
        (Decimal("1.50"), "decimal 1.50", Decimal("0.50")),
        ("2026-05-01 10:00:00", "text 2026-05-01 10:00:00", "2026-05-01 10:00:0"),
    ],
)
def test_a_watermark_is_written_with_its_type_and_lowered(watermark: Any, text: str, before: Any) -> None:
    assert written(watermark) == text
    assert parsed(text) == watermark
    assert lowered(watermark, 1) == before


@long
def test_a_query_cannot_change_mariadb_either(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    mariadb: MariaDb,  # noqa: F811 - pytest's way
) -> None:
    url = mariadb.new_database()
    monkeypatch.setenv("ERP_URL", url)
    mariadb.run(url, TABLE.format(timestamp="timestamp"), "CREATE SEQUENCE numbers")
    books = Books(site_folder, lambda statement: mariadb.run(url, statement), "mariadb")
    books.sell("1", "2026-05-01 10:00:00")
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    books.configure(SINCE.replace("order_id,", "nextval(numbers) AS order_id,", 1), 'watermark = "changed_at"')
    (result,) = books.load()
    assert "READ ONLY" in result.message
