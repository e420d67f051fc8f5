"""Temporary files of a site: folders for commands, and the removal of what killed processes left behind."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from kam.site.site import Site

# What the names of half-done files begin with, in the archive and beside published files.
INCOMING, BUILDING = ".incoming-", ".building-"
# The same of a file that comes from storage. Who only reads fetches files too, also while somebody writes.
FETCHED = ".fetched-"
_LONGEST_FETCH_SECONDS = 24 * 60 * 60
_LOCK = ".lock"


@contextmanager
def scratch_folder(site: Site, prefix: str) -> Iterator[Path]:
    """A new folder for temporary files; it is removed when the context ends.

    Its lock says that somebody is using it: `kam check` needs no right to write, and may run beside a load.
    """
    site.scratch.mkdir(exist_ok=True)
    folder = site.scratch / f"{prefix}{secrets.token_hex(8)}"
    try:
        with FileLock(_lock_of(folder)):
            try:
                folder.mkdir(mode=0o700)
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        _lock_of(folder).unlink(missing_ok=True)


def sweep(site: Site) -> None:
    """Remove what killed processes left half-done. Only for the one process that may write."""
    for lock in site.scratch.glob(f"*{_LOCK}"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink()
    for path in site.scratch.glob("*"):
        if path.suffix != _LOCK and not _lock_of(path).exists():
            _remove(path)
    for path in (*site.archive.glob(f"{INCOMING}*"), *site.published.rglob(f"{BUILDING}*")):
        _remove(path)
    for path in site.archive.glob(f"{FETCHED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LONGEST_FETCH_SECONDS:
                path.unlink()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()
