"""The archive: the bytes of every loaded file under their SHA-256, and the ledger of loads beside them.

`archive/ledger.ndjson` has one line a load, with the settings it was read by, so that a warehouse can be made again from
the archive alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kam.errors import KamError, SourceRefusedError
from kam.settings import Site

_CHUNK = 1 << 20


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


def store(site: Site, file: Path, sha256: str) -> Path:
    """Keep a copy of `file`, whose hash is known, and return its place in the archive.

    Raises `SourceRefusedError` when the file changed since it was hashed: somebody is still writing it.
    """
    target = archived(site, sha256)
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=site.archive, prefix=".incoming-")
    except OSError as error:
        message = f"{site.archive}: cannot be written to: {error.strerror}"
        raise KamError(message) from None
    copy = Path(name)
    digest = hashlib.sha256()
    try:
        with os.fdopen(descriptor, "wb") as out, file.open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            message = f"{file}: changed while it was read. It is left for the next run"
            raise SourceRefusedError(message)
        copy.chmod(0o444)
        copy.replace(target)
    except OSError as error:
        message = f"{file}: cannot be archived: {error.strerror}"
        raise KamError(message) from None
    finally:
        copy.unlink(missing_ok=True)
    return target


def ledger(site: Site) -> Path:
    """The file with one JSON line a load."""
    return site.archive / "ledger.ndjson"


def ledger_entries(site: Site) -> list[dict[str, Any]]:
    """All lines of the ledger; a last line that a crash cut short is left out."""
    if not ledger(site).exists():
        return []
    entries = []
    for line in ledger(site).read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return entries


def write_ledger(site: Site, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the whole ledger aside and swap it in, so that a reader or a crash never meets half of it."""
    site.archive.mkdir(parents=True, exist_ok=True)
    aside = ledger(site).with_suffix(".tmp")
    with aside.open("w", encoding="utf-8") as out:
        for entry in entries:
            out.write(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())
    aside.replace(ledger(site))
