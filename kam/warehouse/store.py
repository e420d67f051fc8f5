"""Where the ledgers, staged rows and versions of a site are stored, and the door to it.

A `Store` is one way of storing them. Everything else asks the functions here, and works with whatever connection it gets: names of
two parts, such as `ops.closes` or `core.sales`, mean the same in each store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from kam.site import Site
from kam.warehouse.file_store import FileStore
from kam.warehouse.lake_store import LakeStore
from kam.warehouse.sql import Connection

log = logging.getLogger("kam")


class Store(Protocol):
    """One way of storing the ledgers, staged rows and versions of a site."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def exists(self) -> bool:
        """Whether there is one; it is made when it is first opened for writing."""

    def stamp(self) -> tuple[int, ...]:
        """Changes when another one takes its place."""

    def writing(
        self, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        """Hold the right to write; see the function of this name."""

    def open(self) -> AbstractContextManager[Connection]:
        """Open it for reading and writing; see `warehouse`."""

    def open_read_only(self) -> AbstractContextManager[Connection]:
        """Open it for reading only; see the function of this name."""

    def attach(self, con: Connection, name: str) -> None:
        """Let a connection to another database read it under this name; within `explained`."""

    def explained(self) -> AbstractContextManager[None]:
        """Tell what is wrong with where it lies as a person reads it: a disk, or what a lake needs."""


def store_of(site: Site) -> Store:
    """The store of a site."""
    if site.has_lake:
        return LakeStore(site)
    return FileStore(site)


@contextmanager
def warehouse(site: Site) -> Iterator[Connection]:
    """Open the warehouse for reading and writing; create or update it where needed.

    Raises `WarehouseBusyError` when another process has it open, and `KamError` when it was lost, is damaged, or a disk
    is full or does not take what is written while it is open.
    """
    with store_of(site).open() as con:
        yield con


@contextmanager
def open_read_only(site: Site) -> Iterator[Connection]:
    """Open the warehouse for reading only; an empty one in memory when nothing was loaded yet.

    Its views `core.*` have the corrections of the command that wrote last. Raises `WarehouseBusyError` while another process
    writes, and `KamError` when it was lost or is damaged.
    """
    with store_of(site).open_read_only() as con:
        yield con


@contextmanager
def open_for_worker(site: Site) -> Iterator[Connection]:
    """Open the lake of a site as a worker of a run on another process or machine; see `LakeStore.open_for_worker`."""
    with LakeStore(site).open_for_worker() as con:
        yield con


@contextmanager
def writing(
    site: Site, purpose: str, *, wait_seconds: float = 600, on_wait: Callable[[str], None] = log.info
) -> Iterator[None]:
    """Hold the right to write to the warehouse; wait for another process that has it.

    `purpose` tells a waiting person what this process does, such as `close 2026-06`. `on_wait` gets one message for each
    process that is waited for. Raises `WarehouseBusyError` after `wait_seconds`.
    """
    with store_of(site).writing(purpose, wait_seconds=wait_seconds, on_wait=on_wait):
        yield
