"""The archive: the bytes of every loaded file under their SHA-256, and the ledger of loads and decisions beside them.

`archive/ledger.ndjson` has one line per load, with the settings that read it, and one line per close, with the
settings that computed it. So the archive alone is enough to rebuild a warehouse. Lines are only ever added.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from kam.errors import ArchiveIncompleteError, KamError, SourceBusyError, SourceRefusedError
from kam.site import INCOMING, Site

_CHUNK = 4 << 20
_SHOWN_FAULTS = 10


def file_hash(file: Path) -> str:
    """SHA-256 of a file's bytes. Raises `SourceRefusedError` when it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise SourceRefusedError(message) from None


def archived(site: Site, sha256: str) -> Path:
    """Where the bytes with this hash are, or would be."""
    return site.archive / sha256[:2] / sha256


def keep(site: Site, file: Path, sha256: str) -> Path:
    """Keep a copy of `file`, whose hash is known, and return its place in the archive; a damaged copy is replaced.

    Raises `SourceBusyError` when the file changed since it was hashed: somebody is still writing it.
    """
    return archived(site, _copied(site, file, sha256) if fault(site, sha256) else sha256)


def fault(site: Site, sha256: str) -> str:
    """What is wrong with the archived bytes that have this hash: missing, or other bytes; empty when they are sound.

    Reads the whole file.
    """
    kept = archived(site, sha256)
    if not kept.is_file():
        return "is missing"
    return "" if file_hash(kept) == sha256 else "does not have the bytes that its name says"


def require_sound(site: Site, entries: Sequence[Mapping[str, Any]], *, repair: bool) -> None:
    """Make sure that the archive has the bytes of these lines of the ledger; each file is read once.

    With `repair`, missing and damaged files are restored from the landing folder if it still has the same bytes.
    Raises `KamError` naming the files that are not sound.
    """
    files = {file["sha256"]: (file["name"], entry) for entry in entries for file in entry.get("files", ())}
    faults = [
        f"{archived(site, sha256)} ({name}, load {entry['load_id']} of {entry['feed']}) {found}"
        for sha256, (name, entry) in files.items()
        if (found := fault(site, sha256)) and not (repair and _brought_back(site, site.directory / name, sha256))
    ]
    if faults:
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        again = "" if repair else f" and run {site.command('rebuild', '--force')}"
        message = (
            f"{'; '.join(faults[:_SHOWN_FAULTS])}{more}. Restore the archive from a backup, or put the file back into "
            f"the landing folder under that name{again}; nothing was changed"
        )
        raise KamError(message)


def _brought_back(site: Site, landed: Path, sha256: str) -> bool:
    with suppress(SourceRefusedError):
        if landed.is_file() and file_hash(landed) == sha256:
            keep(site, landed, sha256)
            return True
    return False


def take_in(site: Site, file: Path) -> str:
    """Keep a copy of `file` and return its SHA-256, found in the same pass.

    Raises `SourceBusyError` when the file changes meanwhile, `SourceRefusedError` when it cannot be read.
    """
    return _copied(site, file)


def _copied(site: Site, file: Path, sha256: str = "") -> str:
    """Copy a file into the archive, unless its hash is not the expected one; returns its hash."""
    try:
        source = file.open("rb")
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise SourceRefusedError(message) from None
    with source:
        try:
            site.archive.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=site.archive, prefix=INCOMING)
        except OSError as error:
            message = _unwritable(site.archive, error)
            raise KamError(message) from None
        copy = Path(name)
        try:
            before = os.fstat(source.fileno())
            with os.fdopen(descriptor, "rb"):
                found = _copied_bytes(file, copy, descriptor)
            after = file.stat()
            stamps = [(state.st_ino, state.st_size, state.st_mtime_ns) for state in (before, after)]
            if stamps[0] != stamps[1] or (sha256 and sha256 != found):
                message = f"{file}: changed while it was read. It is left for the next run"
                raise SourceBusyError(message)
            target = archived(site, found)
            target.parent.mkdir(exist_ok=True)
            copy.chmod(0o444)
            copy.replace(target)
        except OSError as error:
            message = f"{file}: cannot be archived. {_unwritable(site.archive, error)}"
            raise KamError(message) from None
        finally:
            copy.unlink(missing_ok=True)
    return found


def _unwritable(place: Path, error: OSError) -> str:
    return f"{place}: cannot be written to: {error.strerror}. Make room or make it writable, then run the command again"


def _copied_bytes(file: Path, copy: Path, descriptor: int) -> str:
    """Copy all bytes, put them on the disk, and return the SHA-256 of the copy, worked out while the disk writes."""
    shutil.copyfile(file, copy)  # the system copies without passing the bytes through Python
    with ThreadPoolExecutor(1) as hashing:
        found = hashing.submit(file_hash, copy)
        os.fsync(descriptor)
        return found.result()


def ledger(site: Site) -> Path:
    """The file with one JSON line per load and per decision about a month."""
    return site.ledger


def ledger_entries(site: Site, on_repeat: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """All lines of the ledger; a last line that a crash cut short is left out, and so is one that repeats another.

    `on_repeat` gets a text that names such a line. Raises `KamError` for a damaged line before the last one, and for two
    that tell different things of the same load or decision.
    """
    if not ledger(site).exists():
        return []
    lines = ledger(site).read_bytes().split(b"\n")[:-1]
    entries: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = dict(json.loads(line))
        except ValueError:
            message = f"{ledger(site)}: line {number} is damaged. Restore the file from a backup"
            raise KamError(message) from None
        first, known = entries.setdefault(subject(entry), (number, entry))
        if known != entry:
            message = (
                f"{ledger(site)}: line {number} is about the same {entry.get('kind', 'load')} as line {first}, but tells "
                "something else. Remove the wrong line, or restore the file from a backup"
            )
            raise KamError(message)
        if first != number:
            on_repeat(f"{ledger(site)}: line {number} repeats line {first}. It counts once")
    return [entry for _, entry in entries.values()]


def subject(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a line of the ledger is about: a load, a decision about a version, or the lock of a month."""
    names = ("load_id", "period_month", "close_version", "lock_no")
    return (entry.get("kind", "load"), *(entry.get(name) for name in names))


def require_there(site: Site, entries: Sequence[Mapping[str, Any]], *, bring_back: bool) -> None:
    """Make sure that the archive has a file for each that these lines of the ledger name; their bytes are not read.

    With `bring_back` those that the landing folder still has are taken from there. Raises `ArchiveIncompleteError` naming the others.
    """
    files = {file["sha256"]: (file["name"], entry) for entry in entries for file in entry.get("files", ())}
    missing = [
        f"{name} (load {entry['load_id']} of {entry['feed']})"
        for sha256, (name, entry) in files.items()
        if not archived(site, sha256).is_file()
        and not (bring_back and _brought_back(site, site.directory / name, sha256))
    ]
    if missing:
        more = f", and {len(missing) - _SHOWN_FAULTS} more" if len(missing) > _SHOWN_FAULTS else ""
        message = (
            f"{site.archive}: lacks {len(missing):,} of the {len(files):,} files that were loaded: "
            f"{', '.join(missing[:_SHOWN_FAULTS])}{more}. Is the folder moved or not mounted? Bring it back, restore it from a "
            "backup, or put these files back into the landing folder; nothing was changed"
        )
        raise ArchiveIncompleteError(message)


def add_to_ledger(site: Site, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add lines to the ledger, in place of a last one that a crash cut short. Raises `KamError` when it cannot."""
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    try:
        site.archive.mkdir(parents=True, exist_ok=True)
        with ledger(site).open("a+b") as stream:
            stream.truncate(_end_of_last_line(stream.seek(0, os.SEEK_END), ledger(site)))
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        message = f"{_unwritable(ledger(site), error)}. The missing lines are added then"
        raise KamError(message) from None


def _end_of_last_line(size: int, file: Path) -> int:
    """The position after the last line end: the size, unless a crash cut the last line short."""
    with file.open("rb") as stream:
        position = size
        while position > 0:
            start = max(position - _CHUNK, 0)
            stream.seek(start)
            end = stream.read(position - start).rfind(b"\n")
            if end >= 0:
                return start + end + 1
            position = start
    return 0
