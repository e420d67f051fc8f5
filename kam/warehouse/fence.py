"""Transactions that change what is stored, and are refused to one who no longer has the right to write, or whose run is over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from kam.errors import WarehouseBusyError
from kam.warehouse.names import LAKE, catalog
from kam.warehouse.sql import Connection, transaction

# The row of a run whose workers may store; no chunk has this number.
_OPEN = 0
WRITER = "writer"
"""The variable of a connection that has the token of whoever has the right to write."""


@contextmanager
def stored(con: Connection) -> Iterator[None]:
    """A transaction over what is stored. Raises `WarehouseBusyError` when somebody else has the right to write to a lake.

    A file has one writer in any case. Rows of a lake have no keys, so two writers that do not know of each other would both commit.
    Here both change one row, and the second is refused.
    """
    with transaction(con):
        if catalog(con) == LAKE:
            _show_token(con)
        yield


def _show_token(con: Connection) -> None:
    found = con.execute(f"UPDATE ops.writer SET commits = commits + 1 WHERE token = getvariable('{WRITER}')").fetchall()
    if found != [(1,)]:
        message = (
            "this process does not have the right to write any more: the connection to the catalog of the lake broke. Nothing "
            "of this step was kept. Run the command again"
        )
        raise WarehouseBusyError(message)


def begin_workers(con: Connection) -> str:
    """Let workers store rows of this run from now on, with the token that is returned; those of an earlier run no longer."""
    token = uuid.uuid4().hex
    with stored(con):
        con.execute("DELETE FROM ops.workers")
        con.execute("INSERT INTO ops.workers (token, chunk) VALUES (?, ?)", [token, _OPEN])
    return token


def end_workers(con: Connection) -> None:
    """Let no worker store anything from now on, also one that has begun to."""
    with stored(con):
        con.execute("DELETE FROM ops.workers")


@contextmanager
def stored_by_worker(con: Connection, token: str, chunk: int) -> Iterator[bool]:
    """A transaction in which a worker stores the rows of a chunk; False when they are stored already.

    It adds a row to a table of which `end_workers` deletes the rows. A lake refuses to add to a table of which somebody else deleted
    meanwhile. Chunks are numbered from 1. Raises `WarehouseBusyError` when the run of the token is over.
    """
    with transaction(con):
        found = {
            number for (number,) in con.execute("SELECT chunk FROM ops.workers WHERE token = ?", [token]).fetchall()
        }
        if _OPEN not in found:
            message = "the run that this worker belongs to is over, so nothing of it is stored"
            raise WarehouseBusyError(message)
        is_new = chunk not in found
        if is_new:
            con.execute("INSERT INTO ops.workers (token, chunk) VALUES (?, ?)", [token, chunk])
        yield is_new
