"""The folder of the archive: the archive itself, or this machine's copy of one that is in storage."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kam.errors import KamError, SourceBusyError, SourceRefusedError
from kam.site import INCOMING, Site

_CHUNK = 4 << 20
MISSING, OTHER_BYTES = "is missing", "does not have the bytes that its name says"


def file_hash(file: Path) -> str:
    """SHA-256 of a file's bytes. Raises `SourceRefusedError` when it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise SourceRefusedError(message) from None


def archived(site: Site, sha256: str) -> Path:
    """Where in the folder the bytes with this hash are, or would be."""
    return site.archive / sha256[:2] / sha256


def fault(site: Site, sha256: str) -> str:
    """What is wrong with the bytes in the folder that have this hash: missing, or other bytes; empty when they are sound.

    Reads the whole file.
    """
    kept = archived(site, sha256)
    if not kept.is_file():
        return MISSING
    return "" if file_hash(kept) == sha256 else OTHER_BYTES


def take_in(site: Site, file: Path, sha256: str = "") -> str:
    """Copy a file into the folder, unless its hash is not the expected one; returns its hash, found in the same pass.

    Raises `SourceBusyError` when the file changes meanwhile, `SourceRefusedError` when it cannot be read.
    """
    try:
        source = file.open("rb")
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise SourceRefusedError(message) from None
    with source:
        descriptor, copy = new_file(site, INCOMING)
        try:
            before = os.fstat(source.fileno())
            with os.fdopen(descriptor, "rb"):
                found = _copied_bytes(file, copy, descriptor)
            after = file.stat()
            stamps = [(state.st_ino, state.st_size, state.st_mtime_ns) for state in (before, after)]
            if stamps[0] != stamps[1] or (sha256 and sha256 != found):
                message = f"{file}: changed while it was read. It is left for the next run"
                raise SourceBusyError(message)
            put_in_place(site, copy, found)
        except OSError as error:
            message = f"{file}: cannot be archived. {unwritable(site.archive, error)}"
            raise KamError(message) from None
        finally:
            copy.unlink(missing_ok=True)
    return found


def new_file(site: Site, prefix: str) -> tuple[int, Path]:
    """A new, empty file in the folder: its descriptor, open for reading and writing, and its path. Raises `KamError`."""
    try:
        site.archive.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=site.archive, prefix=prefix)
    except OSError as error:
        message = unwritable(site.archive, error)
        raise KamError(message) from None
    return descriptor, Path(name)


def put_in_place(site: Site, file: Path, sha256: str) -> None:
    """Give a whole file in the folder the name of its hash, in one rename. Raises `OSError`."""
    target = archived(site, sha256)
    target.parent.mkdir(exist_ok=True)
    file.chmod(0o444)
    file.replace(target)


def unwritable(place: Path, error: OSError) -> str:
    """What is said of a folder or file that does not take what is written."""
    return f"{place}: cannot be written to: {error.strerror}. Make room or make it writable, then run the command again"


def _copied_bytes(file: Path, copy: Path, descriptor: int) -> str:
    """Copy all bytes, put them on the disk, and return the SHA-256 of the copy, worked out while the disk writes."""
    shutil.copyfile(file, copy)  # the system copies without passing the bytes through Python
    with ThreadPoolExecutor(1) as hashing:
        found = hashing.submit(file_hash, copy)
        os.fsync(descriptor)
        return found.result()


def complete_lines(site: Site) -> list[bytes]:
    """The lines of the ledger's file, without line ends; a last one that a crash cut short is left out."""
    return site.ledger.read_bytes().split(b"\n")[:-1] if site.ledger.exists() else []


def append(site: Site, text: bytes) -> None:
    """Add whole lines to the ledger's file, in place of a last one that a crash cut short. Raises `KamError` when it cannot."""
    try:
        site.archive.mkdir(parents=True, exist_ok=True)
        with site.ledger.open("a+b") as stream:
            stream.truncate(_end_of_last_line(stream.seek(0, os.SEEK_END), site.ledger))
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        message = f"{unwritable(site.ledger, error)}. The missing lines are added then"
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
