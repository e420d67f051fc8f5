"""The lines of the ledger: in a file, or in storage as one object a line, such as `ledger/000000123.json`, of which the file is a copy.

An object is written once, by whoever has the right to write to the warehouse, and never changed. What the file lacks is fetched before
it is read. Its last line is compared with the storage then: a storage that was emptied or is an older copy, or that of another site, is
noticed before anything is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from filelock import FileLock, Timeout

from kam.archive import folder
from kam.errors import KamError, WarehouseBusyError
from kam.site import Site
from kam.warehouse import Objects, at_once
from kam.words import counted

_NAME = re.compile(r"\d{9}\.json")
_PATIENCE_SECONDS = 600


def read(site: Site) -> list[bytes]:
    """All lines of the ledger, without line ends; those that the storage has are fetched first. Raises `KamError`."""
    if site.ledger_place:
        with _alone(site):
            _fetch_new(site)
            return folder.complete_lines(site)
    return folder.complete_lines(site)


def add(site: Site, lines: Sequence[bytes]) -> None:
    """Add lines; only for the one process that may write, which has read the ledger. Raises `KamError` when it cannot."""
    if not site.ledger_place:
        folder.append(site, b"".join(line + b"\n" for line in lines))
        return
    with _alone(site):
        for number, line in enumerate(lines, start=len(folder.complete_lines(site)) + 1):
            put(site, number, line)
            folder.append(site, line + b"\n")


def put(site: Site, number: int, line: bytes) -> None:
    """Write one line into the storage, unless it is there. Raises `WarehouseBusyError` when another line is there."""
    objects, name = Objects(site.ledger_place), name_of(number)
    if not objects.add(name, line + b"\n") and objects.read(name) != line + b"\n":
        # With its own line there, the answer to an earlier request was lost.
        message = (
            f"{objects.place}/{name}: another process wrote this line of the ledger meanwhile. It stays as it is, and so does what was "
            "committed. Run the command again: it reads that line, and adds its own after it"
        )
        raise WarehouseBusyError(message)


def there(site: Site, after: int = 0) -> list[str]:
    """The names of the lines in the storage that come after a number, in order."""
    return [name for name, _ in Objects(site.ledger_place).names(name_of(after)) if _NAME.fullmatch(name)]


def fetched(site: Site, names: Sequence[str]) -> list[bytes]:
    """These lines of the storage, without line ends. Raises `KamError` when one is damaged."""
    return at_once(lambda name: _line(site, name), names)


def name_of(number: int) -> str:
    """The name of a line in the storage."""
    return f"{number:09}.json"


def _fetch_new(site: Site) -> None:
    """Add to the file what only the storage has. Raises `KamError` when the storage does not go on where the file ends."""
    has = folder.complete_lines(site)
    last = len(has)
    names = there(site, max(last - 1, 0))
    if last and not names:
        raise _is_behind(site, last)
    for number, name in enumerate(names, start=max(last, 1)):
        if name != name_of(number):
            message = (
                f"{site.ledger_place}: lacks line {number} ({name_of(number)}), but has later ones. Restore it from a backup; "
                "nothing was changed"
            )
            raise KamError(message)
    lines = fetched(site, names)
    if last and lines[0] != has[-1]:
        message = (
            f"{site.ledger_place}: line {last} is not the one that {site.ledger} has. Is it the archive of another site, or an older copy "
            f"that went on? Name the right place in [warehouse] archive, or restore the storage from a backup. If the storage is right, "
            f"remove {site.archive}: it is only the copy of this machine. Nothing was changed"
        )
        raise KamError(message)
    if new := lines[1:] if last else lines:
        folder.append(site, b"".join(line + b"\n" for line in new))


def _is_behind(site: Site, last: int) -> KamError:
    """The error for storage that has less than this machine knows."""
    count = len(there(site))
    found = f"has only {counted(count, 'line')} of the ledger" if count else "has no ledger"
    return KamError(
        f"{site.ledger_place}: {found}, but {site.ledger} has {last:,}. Was the storage emptied, or is it an older copy? Then restore it from "
        "a backup. Is the place new? Then move the archive there. Nothing was changed. To move what this machine has: "
        f"{site.command('migrate', '--archive', site.archive_place)}"
    )


def _line(site: Site, name: str) -> bytes:
    found = Objects(site.ledger_place).read(name)
    if found is not None and found.endswith(b"\n") and found.count(b"\n") == 1 and _is_object(found):
        return found[:-1]
    message = f"{site.ledger_place}/{name}: is damaged. Restore it from a backup; nothing was changed"
    raise KamError(message)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    """No other process of this machine changes the file meanwhile: those that only read fetch lines as well."""
    lock = FileLock(site.archive / ".ledger.lock")
    try:
        site.archive.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout:
        message = f"{site.ledger}: another process has been busy with it for {_PATIENCE_SECONDS} seconds. Try again when it has finished"
        raise WarehouseBusyError(message) from None
    except OSError as error:
        message = folder.unwritable(site.archive, error)
        raise KamError(message) from None
    try:
        yield
    finally:
        lock.release()
