"""A PostgreSQL server of its own for a test session, on a free port of this machine."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

USER = "reader"


class PostgreSql:
    """A running server; each test takes a database of its own."""

    def __init__(
        self, programs: Path, port: int, password: str, start: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        self.programs, self.port, self.password = programs, port, password
        self.start, self.stop = start, stop
        self.databases = 0

    def url(self, database: str = "postgres", *, password: str | None = None, port: int | None = None) -> str:
        return f"postgresql://{USER}:{password or self.password}@127.0.0.1:{port or self.port}/{database}"

    def new_database(self, copy_of: str = "") -> str:
        """The URL of a new database: an empty one, or a copy of one that nobody is connected to."""
        self.databases += 1
        name = f"books{self.databases}"
        self.run(self.url(), f"CREATE DATABASE {name}" + (f" TEMPLATE {copy_of}" if copy_of else ""))
        return self.url(name)

    def call(self, program: str, *arguments: str, given: str = "") -> str:
        """What a program of PostgreSQL prints."""
        command = [str(self.programs / program), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout

    def run(self, url: str, *statements: str) -> None:
        """Execute statements, each committed by itself."""
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A server that ends with the session. It refuses to run as root, so root starts it as another user."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    user = _other_user() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="kam-postgresql-"))
    password = secrets.token_hex(12)
    (folder / "password").write_text(password)
    if user is not None:
        for path in (folder, folder / "password"):
            os.chown(path, user.pw_uid, user.pw_gid)
    port = _free_port()

    def call(*arguments: str) -> None:
        done = subprocess.run(
            [*arguments], cwd=folder, user=user.pw_uid if user else None, group=user.pw_gid if user else None,
            extra_groups=[] if user else None, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"PostgreSQL does not start here: {done.stderr.strip().splitlines()[-1:]}")

    def start() -> None:
        call(str(programs / "pg_ctl"), "start", "-D", data, "-o", options, "-w", "-l", str(folder / "log"))

    def stop() -> None:
        call(str(programs / "pg_ctl"), "stop", "-D", data, "-m", "immediate", "-w")

    data = str(folder / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    login = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={folder / 'password'}")
    try:
        call(str(programs / "initdb"), "--pgdata", data, *login, "--encoding=UTF8", "--no-sync")
        start()
        yield PostgreSql(programs, port, password, start, stop)
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            stop()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps them off the path."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which("initdb")
    return Path(found).parent if found else None


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
