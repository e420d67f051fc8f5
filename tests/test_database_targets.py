"""Databases as targets: all tables in one transaction, with the numbers of the published file, and who sees which rows."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kam.close import steps
from kam.demo import write_demo
from kam.errors import KamError, SettingsError
from kam.publish import target_states
from kam.publish.targets import databases, publications
from kam.publish.targets import postgresql as dialect
from kam.publish.targets.databases import Database
from kam.publish.targets.editions import CaughtUp, editions
from kam.publish.targets.tables import tables_to_publish
from kam.site import DatabaseTarget, Site, find_site
from kam.warehouse import warehouse
from tests.cli import kam
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - the fixture
from tests.published_site import AUGUST, SEPTEMBER, late, published_site  # noqa: F401 - the fixture
from tests.support import close_plainly, join_months, long, published

VARIABLE = "TEST_BI_URL"
SECURED = {"reader": "kam_reader", "row_level_security": True}


@pytest.fixture
def site(published_site: Site, tmp_path: Path) -> Site:  # noqa: F811
    """A copy of the published site, of one's own, without targets of files."""
    copy = shutil.copytree(published_site.directory, tmp_path / "site")
    settings = (copy / "kam.toml").read_text()
    (copy / "kam.toml").write_text(settings.replace("parquet = true", "").replace("xlsx = true", ""))
    return find_site(copy)


@pytest.fixture
def url(postgresql: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: F811
    """A new database, which the variable names; roles are gone afterwards."""
    made = postgresql.new_database()
    monkeypatch.setenv(VARIABLE, made)
    yield made
    postgresql.run(made, "DROP SCHEMA IF EXISTS kam CASCADE")
    for role in ("kam_reader", "ito", "braun", "boss", "publisher"):
        with psycopg.connect(made, autocommit=True) as con:
            if con.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                con.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def catch_up(site: Site, **settings: Any) -> CaughtUp:
    database = Database("bi", DatabaseTarget.model_validate({"url": f"env:{VARIABLE}"} | settings))
    with warehouse(site) as con:
        wanted = editions(con)
    return database.catch_up(site, wanted, {}, again=False)


def ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as con:
        return con.execute(sql).fetchall()


def sums(run: Callable[[str], list[tuple[Any, ...]]], schema: str) -> dict[str, tuple[Any, ...]]:
    """Of each table the number of rows and the sum of each column of money and counts."""
    found = {}
    for table in tables_to_publish():
        columns = [column.name for column in table.columns if column.sql_type.startswith(("DECIMAL", "BIGINT"))]
        listed = ", ".join(["count(*)", *(f"sum({name})" for name in columns)])
        (found[table.name],) = run(f"SELECT {listed} FROM {schema}.{table.name}")
    return found


def in_the_file(site: Site) -> dict[str, tuple[Any, ...]]:
    return sums(lambda sql: [tuple(row.values()) for row in published(site, sql)], "reporting")


@long
def test_sqlite_has_every_digit_of_the_published_file(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bi.sqlite"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")
    assert catch_up(site).written == [AUGUST, SEPTEMBER]
    with sqlite3.connect(file) as con:
        sales = con.execute("SELECT account_id, net_amount FROM sales WHERE period_month = '2026-08-01' ORDER BY 1")
        assert sales.fetchall() == [("A", "70.10"), ("B", "29.90")]
        names = con.execute("SELECT account_name FROM accounts WHERE account_id = 'B'").fetchall()
        assert set(names) == {("Berta \\N",)}
        for table in tables_to_publish():
            (count,) = con.execute(f"SELECT count(*) FROM {table.name}").fetchall()
            assert [{"n": count[0]}] == published(site, f"SELECT count(*) AS n FROM reporting.{table.name}"), table.name
    assert catch_up(site).written == []


@long
def test_sqlite_changes_as_a_whole_or_not_at_all(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'bi.sqlite'}")
    insert, done = databases._Publication._insert, []  # noqa: SLF001 - the moment of a crash

    def failing(self: Any, *arguments: Any) -> None:
        done.append(arguments)
        if len(done) == 20:
            raise OSError(28, "No space left on device")
        insert(self, *arguments)

    monkeypatch.setattr(databases._Publication, "_insert", failing)  # noqa: SLF001
    with pytest.raises(KamError, match="No space left on device"):
        catch_up(site)
    with sqlite3.connect(tmp_path / "bi.sqlite") as con:
        assert con.execute("SELECT count(*) FROM sqlite_master").fetchall() == [(0,)]
    with pytest.raises(SettingsError, match="need PostgreSQL, and this is sqlite"):
        catch_up(site, reader="kam_reader")


@long
def test_postgresql_has_the_tables_of_the_published_file(site: Site, url: str) -> None:
    assert catch_up(site).written == [AUGUST, SEPTEMBER]
    assert sums(lambda sql: ask(url, sql), "kam") == in_the_file(site)
    kind = "SELECT format_type(atttypid, atttypmod), col_description(attrelid, attnum), obj_description(attrelid, 'pg_class') "
    (shown,) = ask(url, f"{kind} FROM pg_attribute WHERE attrelid = 'kam.sales'::regclass AND attname = 'net_amount'")
    assert shown[0] == "numeric(32,2)"
    assert "[reporting currency; sum" in shown[1]
    assert shown[2]
    assert set(ask(url, "SELECT account_name FROM kam.accounts WHERE account_id = 'B'")) == {("Berta \\N",)}
    before = ask(url, "SELECT period_month, published_at FROM kam.publications ORDER BY 1")
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    assert catch_up(site).written == [SEPTEMBER]
    assert sums(lambda sql: ask(url, sql), "kam") == in_the_file(site)
    after = ask(url, "SELECT period_month, published_at FROM kam.publications ORDER BY 1")
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
    for _ in range(2):
        steps.withdraw(site, SEPTEMBER, "too early")
    catch_up(site)
    assert ask(url, "SELECT 1 FROM kam.sales WHERE period_month = '2026-09-01'") == []
    assert sums(lambda sql: ask(url, sql), "kam") == in_the_file(site)


@long
def test_a_kill_half_way_changes_nothing(site: Site, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    catch_up(site)
    before = sums(lambda sql: ask(url, sql), "kam")
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    copy, done = dialect.copy, []

    def killed(*arguments: Any) -> None:
        done.append(arguments)
        if len(done) == 30:
            os.kill(os.getpid(), signal.SIGKILL)
        copy(*arguments)

    monkeypatch.setattr(dialect, "copy", killed)
    child = multiprocessing.get_context("fork").Process(target=catch_up, args=(site,))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert sums(lambda sql: ask(url, sql), "kam") == before
    monkeypatch.setattr(dialect, "copy", copy)
    assert catch_up(site).written == [SEPTEMBER]
    assert sums(lambda sql: ask(url, sql), "kam") == in_the_file(site)


@long
def test_a_server_that_is_down_fails_no_close_and_is_caught_up(
    site: Site,
    url: str,
    postgresql: PostgreSql,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publications, "_PAUSES", (0, 0))
    with (site.directory / "kam.toml").open("a") as settings:
        settings.write(f'[publish.databases.bi]\nurl = "env:{VARIABLE}"\n')
    postgresql.stop()
    try:
        closed = kam("--site", site.directory, "close", "2026-10")
        assert closed.returncode == 0, closed.stderr
        assert "Not published to database bi: " in closed.stdout
        assert postgresql.password not in closed.stdout + closed.stderr
        checked = kam("--site", site.directory, "check")
        assert "[publish] database bi: " in checked.stderr
    finally:
        postgresql.start()
    caught_up = kam("--site", site.directory, "publish")
    assert caught_up.returncode == 0, caught_up.stdout
    assert "Published to database bi: 2026-08, 2026-09, 2026-10" in caught_up.stdout
    assert ask(url, "SELECT sum(net_amount) FROM kam.sales") == [(Decimal("300.00"),)]
    with warehouse(find_site(site.directory)) as con:
        (state,) = (state for state in target_states(con, find_site(site.directory)) if state.name == "database bi")
    assert (state.months, state.error) == (3, "")


@long
def test_a_reader_never_sees_a_mixture_of_two_publications(site: Site, url: str, tmp_path: Path) -> None:
    former = find_site(shutil.copytree(site.directory, tmp_path / "former"))
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    catch_up(former)
    one = "(SELECT max({0}) FROM kam.{1} WHERE period_month = '2026-09-01')"
    query = "SELECT " + ", ".join(
        [
            one.format("close_version", "publications"),
            one.format("close_version", "sales"),
            one.format("close_version", "receivables_summary"),
            "(SELECT max(close_version) FROM kam.closes WHERE is_newest AND period_month = '2026-09-01')",
            "(SELECT CASE sum(net_amount) WHEN 100 THEN 1 WHEN 105 THEN 2 END FROM kam.sales WHERE period_month = '2026-09-01')",
        ]
    )
    seen: set[tuple[Any, ...]] = set()
    ended = threading.Event()

    def reading() -> None:
        with psycopg.connect(url, autocommit=True) as con:
            while not ended.is_set():
                seen.update(con.execute(query).fetchall())

    reader = threading.Thread(target=reading)
    reader.start()
    try:
        for published_now in (site, former, site, former):
            catch_up(published_now)
    finally:
        ended.set()
        reader.join()
    assert seen == {(1,) * 5, (2,) * 5}


@long
def test_other_columns_are_added_or_the_table_is_made_anew(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_tables = databases.tables_to_publish

    def before() -> list[Any]:
        changed = []
        for table in all_tables():
            columns = list(table.columns)
            if table.name == "sales":
                columns = [column for column in columns if column.name != "net_amount"]
            if table.name == "accounts":
                columns = [
                    replace(column, sql_type="BIGINT") if column.name == "period_month" else column
                    for column in columns
                ]
                columns = [column for column in table.columns if column.name != "industry"] + [
                    replace(columns[-1], name="old")
                ]
            changed.append(replace(table, columns=columns))
        return [table for table in changed if table.name not in {"visits", "accounts"}]

    monkeypatch.setattr(databases, "tables_to_publish", before)
    catch_up(site)
    with psycopg.connect(url) as con:
        con.execute("CREATE TABLE kam.notes_of_ours (note text)")
        con.execute("CREATE TABLE kam.gone AS SELECT 1 AS x")
        con.execute("INSERT INTO kam.published_tables VALUES ('gone', '[]', '{}')")
    monkeypatch.setattr(databases, "tables_to_publish", all_tables)
    catch_up(site)
    assert sums(lambda sql: ask(url, sql), "kam") == in_the_file(site)
    assert ask(url, "SELECT to_regclass('kam.gone') IS NULL, to_regclass('kam.notes_of_ours') IS NULL") == [
        (True, False)
    ]


@long
def test_a_table_of_somebody_else_is_left_alone(site: Site, url: str) -> None:
    with psycopg.connect(url) as con:
        con.execute("CREATE SCHEMA kam; CREATE TABLE kam.sales (mine text)")
    with pytest.raises(SettingsError, match="a table sales that kam-close did not make"):
        catch_up(site)
    assert ask(url, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'kam'") == [(1,)]


@long
def test_a_login_without_the_right_to_make_roles_is_told_what_to_run(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(url) as con:
        name = con.info.dbname
        con.execute("CREATE ROLE publisher LOGIN PASSWORD 'secret'")
    login = psycopg.conninfo.conninfo_to_dict(url)
    monkeypatch.setenv(VARIABLE, f"postgresql://publisher:secret@127.0.0.1:{login['port']}/{name}")
    settings = DatabaseTarget.model_validate({"url": f"env:{VARIABLE}", "reader": "kam_reader"})
    first, second = Database("bi", settings).faults()
    assert first.endswith('CREATE SCHEMA "kam" AUTHORIZATION "publisher"')
    assert 'CREATE ROLE "kam_reader" NOLOGIN' in second
    with pytest.raises(KamError, match="permission denied"):
        catch_up(site)
    with psycopg.connect(url) as con:
        con.execute("CREATE SCHEMA kam AUTHORIZATION publisher")
    (note,) = catch_up(site, reader="kam_reader").notes
    assert 'CREATE ROLE "kam_reader" NOLOGIN' in note
    with psycopg.connect(url) as con:
        con.execute("CREATE ROLE kam_reader NOLOGIN; CREATE ROLE ito LOGIN PASSWORD 'x'; GRANT kam_reader TO ito")
    assert catch_up(site, reader="kam_reader").notes == []
    reader = f"postgresql://ito:x@127.0.0.1:{login['port']}/{name}"
    assert ask(reader, "SELECT sum(net_amount) FROM kam.sales") == [(Decimal("200.00"),)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(reader, "DELETE FROM kam.sales RETURNING 1")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A demo site with rows in nearly every table; its last month is closed."""
    folder = tmp_path_factory.mktemp("demo") / "site"
    write_demo(folder, accounts=12, products=10, months=3)
    join_months(folder)
    with (folder / "kam.toml").open("a") as settings:
        settings.write("\n[publish]\npack = false\n")
    site = find_site(folder)
    close_plainly(site, [SEPTEMBER])
    return site


@long
def test_a_manager_sees_the_rows_of_its_accounts_and_no_other_in_every_table(demo: Site, url: str) -> None:
    catch_up(demo, **SECURED)
    managers = [
        row["account_manager"]
        for row in published(demo, "SELECT account_manager FROM reporting.account_managers ORDER BY 1")
    ]
    own, other = managers[0], managers[1]
    with psycopg.connect(url, autocommit=True) as con:
        for login in ("ito", "boss", "braun"):
            con.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
            con.execute(f"GRANT kam_reader TO {login}")
        con.execute("INSERT INTO kam.account_access VALUES ('ito', %s), ('boss', '*')", [own])
    login = psycopg.conninfo.conninfo_to_dict(url)
    by = {
        name: f"postgresql://{name}:x@127.0.0.1:{login['port']}/{login['dbname']}" for name in ("ito", "boss", "braun")
    }
    accounts = {row["account_id"]: row["account_manager"] for row in published(demo, "FROM reporting.accounts")}
    assert other in accounts.values()
    without_rows = []
    for table in tables_to_publish():
        columns = {column.name for column in table.columns}
        everything = published(demo, f"SELECT count(*) AS n FROM reporting.{table.name}")[0]["n"]
        assert ask(by["boss"], f"SELECT count(*) FROM kam.{table.name}") == [(everything,)], table.name
        manager = next((name for name in ("account_manager", "document_account_manager") if name in columns), "NULL")
        account = "account_id" if "account_id" in columns else "NULL"
        shown = f"SELECT {account} AS account, {manager} AS manager, count(*)"
        seen = ask(by["ito"], f"{shown} FROM kam.{table.name} GROUP BY 1, 2")
        nobody = ask(by["braun"], f"SELECT count(*) FROM kam.{table.name}")
        if table.name == "metric_definitions" or (table.model.is_dimension and account == manager == "NULL"):
            assert ([(seen[0][2],)], nobody) == ([(everything,)], [(everything,)]), table.name
            continue
        assert nobody == [(0,)], table.name
        rows = published(demo, f"{shown} AS n FROM reporting.{table.name} GROUP BY ALL")
        expected = {
            (row["account"], row["manager"], row["n"])
            for row in rows
            if (accounts.get(row["account"]) if row["account"] is not None else row["manager"]) == own
        }
        assert set(seen) == expected, table.name
        if not expected:
            without_rows.append(table.name)
    # So that this looks at something: most tables of accounts have rows of this manager.
    assert len(without_rows) < 45, without_rows
    for forbidden in ("FROM kam.account_access", "FROM kam.published_tables"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(by["ito"], f"SELECT * {forbidden}")

    # A pool that takes on the manager's role sees what the manager sees, and without the setting everybody sees everything.
    with psycopg.connect(url, autocommit=True) as con:
        con.execute("GRANT ito TO braun")
    with psycopg.connect(by["braun"]) as con:
        con.execute("SET ROLE ito")
        assert {row[0] for row in con.execute("SELECT account_manager FROM kam.accounts").fetchall()} == {own}
    catch_up(demo, reader="kam_reader")
    assert ask(by["ito"], "SELECT count(*) FROM kam.accounts") == ask(url, "SELECT count(*) FROM kam.accounts")
