"""A MariaDB server of its own for a test session, on a free port of this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.postgresql import _free_port, _other_user

USER = "reader"
_SECONDS = 60


class MariaDb:
    """A running server; each test takes a database of its own."""

    def __init__(self, port: int, password: str) -> None:
        self.port, self.password = port, password
        self.databases = 0

    def url(self, database: str = "") -> str:
        return f"mysql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        self.databases += 1
        name = f"books{self.databases}"
        self.run(self.url(), f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.url(name)

    def run(self, url: str, *statements: str) -> None:
        """Execute statements in one transaction."""
        engine = create_engine(url.replace("mysql:", "mysql+pymysql:"), poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(
                    statement.replace("%", "%%")
                )  # the driver takes a lone % for a place of a value


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A server that ends with the session. It does not run as root, so root starts it as another user."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if not server or not install:
        pytest.skip("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    user = _other_user() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="kam-mariadb-"))
    password, port = secrets.token_hex(12), _free_port()
    (folder / "users.sql").write_text(
        f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    if user:
        for path in (folder, folder / "users.sql"):
            os.chown(path, user.pw_uid, user.pw_gid)
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [
            install,
            "--no-defaults",
            data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_user,
    )  # type: ignore[call-overload]
    running = subprocess.Popen(
        [
            server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}",
            f"--init-file={folder / 'users.sql'}", f"--pid-file={folder / 'pid'}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
        ],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user,
    )  # type: ignore[call-overload]  # fmt: skip
    try:
        made = MariaDb(port, password)
        _wait_for(made)
        yield made
    finally:
        running.terminate()
        running.wait(timeout=_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: MariaDb) -> None:
    engine = create_engine(server.url().replace("mysql:", "mysql+pymysql:"), poolclass=NullPool)
    for _ in range(_SECONDS * 10):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.skip("MariaDB does not start here")
