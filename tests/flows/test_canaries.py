"""No secret is written anywhere: each has a canary in it, and everything that runs leave behind is searched for them.

One more secret, or one more thing that writes: a line in `secrets` or `COMMANDS`.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.flows.processes import end, environment
from tests.flows.server import server_in
from tests.receivers import dead_port, mail_server, web_server
from tests.support import REPOSITORY, long, write_csv

pytestmark = [long, pytest.mark.timeout(1800)]
SETTINGS = """
[site]
name = "Canaries"

[readiness]
feeds = []

[alerts]
channels.web.url = "env:C_WEB"
channels.mail.url = "env:C_MAIL"
channels.dead.url = "env:C_DEAD"
channels.wrong.url = "env:C_WRONG"

[publish]
pack = false
databases.warehouse = { url = "env:C_TARGET", reader = "kam_reader" }
databases.file = { url = "env:C_TARGET_FILE" }

[feeds.accounts]
files = "landing/accounts*.csv"

[feeds.invoices]
files = "landing/invoices*.csv"

[feeds.payments]
database = "env:C_ERP"
query = "select * from payments"
"""
# What is run while the database of a feed cannot be reached, and then with one that can: all that shows settings, channels or results.
COMMANDS_OF_A_BAD_DAY = (("check",), ("ingest",), ("--verbose", "close", "2026-06"))
COMMANDS = (
    ("check",),
    ("--verbose", "close", "2026-06"),
    ("--log-format", "json", "close", "2026-06"),
    ("--verbose", "publish"),
    ("alerts", "test"),
    ("alerts", "send"),
    ("status", "--json"),
    ("status", "--timings"),
    ("rejects",),
    ("verify", "2026-06"),
)


class Canaries:
    """Gives each secret a text that stands nowhere else."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def __call__(self, where: str) -> str:
        self.given[where] = f"cnry{len(self.given):02d}x{abs(hash(where)) % 10**9}q"
        return self.given[where]


def secrets(canary: Canaries, folder: Path, web: int, mail: int) -> dict[str, str]:
    """The environment of a service, every secret of it with a canary."""
    dead = dead_port()
    return {
        "C_WEB": f"json://{canary('web user')}:{canary('web password')}@127.0.0.1:{web}/{canary('web path')}"
        f"?+X-Token={canary('web header')}",
        "C_MAIL": f"mailto://{canary('mail user')}:{canary('mail password')}@127.0.0.1:{mail}"
        "?from=k@b.example&to=a@b.example&mode=insecure",
        "C_DEAD": f"jsons://u:{canary('dead password')}@127.0.0.1:{dead}/{canary('dead path')}",
        "C_WRONG": f"slack://{canary('wrong token')}/x/!",
        "C_ERP": f"postgresql+psycopg://u:{canary('feed password')}@127.0.0.1:{dead}/erp?options=-c%20search_path%3D{canary('feed options')}"
        f"&sslpassword={canary('feed sslpassword')}&connect_timeout=2",
        "C_TARGET": f"postgresql+psycopg://u:{canary('target password')}@127.0.0.1:{dead}/bi?sslpassword={canary('target sslpassword')}"
        "&connect_timeout=2",
        "C_TARGET_FILE": f"sqlite:///{folder}/bi.sqlite?timeout={canary('target option')}",
        "KAM_ALERT_URL": f"json://u:{canary('automation password')}@127.0.0.1:{dead}/{canary('automation path')}",
        "PREFECT_API_AUTH_STRING": f"admin:{canary('prefect auth')}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://u:{canary('collector password')}@127.0.0.1:{dead}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={canary('collector header')}",
        "AWS_SECRET_ACCESS_KEY": canary("another variable"),
    }


def site_in(folder: Path) -> Path:
    """An account with an invoice of June, and a row that is rejected."""
    (folder / "landing").mkdir(parents=True)
    (folder / "kam.toml").write_text(SETTINGS)
    write_csv(folder / "landing" / "accounts.csv", ["account_id"], [{"account_id": "A"}])
    columns = ["invoice_id", "account_id", "invoice_date", "net_amount"]
    records = [
        dict(zip(columns, values, strict=True))
        for values in (("I1", "A", "2026-06-10", "100"), ("I2", "A", "no day", "1"))
    ]
    write_csv(folder / "landing" / "invoices.csv", columns, records)
    return folder


def run(*arguments: str, env: Mapping[str, str], file: Path) -> None:
    """Keep all that a command prints, and the arguments of the processes that it starts meanwhile."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kam.cli", *arguments],
        cwd=REPOSITORY, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    typed = b""
    try:
        while True:
            try:
                printed, _ = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                typed += _typed(process.pid)
    finally:
        end(process)
    file.write_bytes(printed + typed)


def _typed(process: int) -> bytes:
    found = []
    try:
        for one in (psutil.Process(process), *psutil.Process(process).children(recursive=True)):
            found += one.cmdline()
    except psutil.Error:
        return b""
    return " ".join(found).encode()


def found_in(folders: list[Path], canary: Canaries) -> list[str]:
    """Each canary that is in a file, with its place; databases also as their tables."""
    hits = []
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes() + (_tables(file) if file.suffix == ".duckdb" else b"")
        hits += [f"{where} in {file}" for where, text in canary.given.items() if text.encode() in content]
    return hits


def _tables(file: Path) -> bytes:
    """All rows of a database: its file holds them compressed."""
    with duckdb.connect(str(file), read_only=True) as con:
        names = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        return "".join(str(con.execute(f'FROM "{schema}"."{name}"').fetchall()) for schema, name in names).encode()


@pytest.fixture
def receivers() -> Iterator[tuple[int, int]]:
    """Ports of a channel that refuses, and of a mail server that repeats what it refuses."""
    with web_server() as hook, mail_server() as mailbox:
        hook.status = 401
        yield hook.port, mailbox.port


@pytest.mark.parametrize("server", [None, "prefect"])
def test_no_secret_is_written_anywhere(tmp_path: Path, receivers: tuple[int, int], server: str | None) -> None:
    canary, site = Canaries(), site_in(tmp_path / "site")
    for name in ("tmp", "home", "printed", "server"):
        (tmp_path / name).mkdir()
    env = environment(tmp_path / "home", TMPDIR=str(tmp_path / "tmp"), **secrets(canary, tmp_path, *receivers))
    if server:
        with server_in(tmp_path / "server", PREFECT_SERVER_API_AUTH_STRING=env["PREFECT_API_AUTH_STRING"]) as started:
            _run_all(site, {**env, "PREFECT_API_URL": started.url}, tmp_path / "printed")
    else:
        _run_all(site, env, tmp_path / "printed")

    printed = b"".join(file.read_bytes() for file in (tmp_path / "printed").iterdir())
    # They really failed where a secret is at hand.
    assert b"connection refused" in printed.lower()
    assert b"C_WRONG" in printed
    assert b"2026-06: closed as version 1" in printed
    assert found_in([tmp_path], canary) == []


def _run_all(site: Path, env: Mapping[str, str], printed: Path) -> None:
    for command in COMMANDS_OF_A_BAD_DAY:
        run("--site", str(site), *command, env=env, file=printed / f"bad-{'-'.join(command)}.txt")
    good = {**env, "C_ERP": f"sqlite:///{site}/erp.sqlite"}
    with closing(sqlite3.connect(site / "erp.sqlite")) as erp:
        erp.execute("CREATE TABLE payments (payment_id, account_id, invoice_id, payment_date, amount)")
    for command in COMMANDS:
        run("--site", str(site), *command, env=good, file=printed / f"{'-'.join(command)}.txt")
