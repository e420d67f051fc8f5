"""Transactions that change what is stored, and are refused to one who no longer has the right to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kam.errors import WarehouseBusyError
from kam.warehouse.names import LAKE, catalog
from kam.warehouse.sql import Connection, transaction

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
