"""Keeps a lake small and quick: rows that wait in its catalog go into files, small files become large ones, what is old is forgotten."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass

from kam.audit.contents import Contents, contents_of
from kam.build import prepare_marts
from kam.errors import KamError
from kam.site import Site
from kam.warehouse import Connection, catalog, literal, number_of, utc_now, warehouse, writing

_KEPT_STATES = dt.timedelta(days=30)
# Somebody may still be reading a file that was replaced.
_KEPT_FILES = dt.timedelta(days=1)
log = logging.getLogger("kam")
Say = Callable[[str], None]


@dataclass(frozen=True)
class MaintenanceReport:
    """What the lake has, the data files that it needs now, and their bytes before and now."""

    contents: Contents
    file_count: int
    byte_count: int
    byte_count_before: int


def maintain(
    site: Site,
    *,
    kept_states: dt.timedelta = _KEPT_STATES,
    kept_files: dt.timedelta = _KEPT_FILES,
    on_step: Say = lambda _: None,
    on_wait: Say = log.info,
) -> MaintenanceReport | None:
    """Compact a lake, forget states older than `kept_states` and remove files that nothing has needed for `kept_files`.

    None for a working file, which needs nothing of it. Raises `KamError` when the content is not as before.
    """
    if not site.has_lake:
        return None
    with (
        writing(site, "maintain", wait_seconds=site.settings.run.busy_timeout_seconds, on_wait=on_wait),
        warehouse(site) as con,
    ):
        prepare_marts(con)
        before, (_, bytes_before) = contents_of(con, catalog(con)), _files(con)
        for what, function, older_than in (
            ("Moving rows from the catalog into files …", "ducklake_flush_inlined_data", None),
            ("Leaving out deleted rows …", "ducklake_rewrite_data_files", None),
            ("Joining small files …", "ducklake_merge_adjacent_files", None),
            ("Forgetting old states …", "ducklake_expire_snapshots", kept_states),
            ("Removing files that were replaced …", "ducklake_cleanup_old_files", kept_files),
            ("Removing files that were never used …", "ducklake_delete_orphaned_files", kept_files),
        ):
            on_step(what)
            _call(con, function, older_than)
        after = contents_of(con, catalog(con))
        if different := before.differences(after):
            message = f"the lake is not as it was before: {', '.join(different[:5])}. Rebuild it from the archive: {site.command('rebuild', '--force')}"
            raise KamError(message)
        return MaintenanceReport(after, *_files(con), bytes_before)


def _call(con: Connection, function: str, older_than: dt.timedelta | None) -> None:
    limit = "" if older_than is None else f", older_than => TIMESTAMPTZ '{utc_now() - older_than:%Y-%m-%d %H:%M:%S}+00'"
    con.execute(f"SELECT count(*) FROM {function}({literal(catalog(con))}{limit})").fetchall()


def _files(con: Connection) -> tuple[int, int]:
    """How many data files the tables need now, and their bytes."""
    info = f"FROM ducklake_table_info({literal(catalog(con))})"
    return (
        number_of(con, f"SELECT coalesce(sum(file_count + delete_file_count), 0) {info}"),
        number_of(con, f"SELECT coalesce(sum(file_size_bytes + delete_file_size_bytes), 0) {info}"),
    )
