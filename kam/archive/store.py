"""The archive: the bytes of every loaded file under their SHA-256, and the ledger of loads and decisions beside them.

`archive/ledger.ndjson` has one line per load, with the settings that read it, and one line per close, with the
settings that computed it. So the archive alone is enough to rebuild a warehouse. Lines are only ever added.

Where `[warehouse] archive` names a place in storage, that is the archive, and the folder is this machine's copy of it: what is kept goes
into both, and what the folder lacks is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kam.archive import folder, lines, storage
from kam.archive.folder import archived, file_hash
from kam.errors import ArchiveIncompleteError, KamError, SourceRefusedError
from kam.site import Site

_SHOWN_FAULTS = 10


def keep(site: Site, file: Path, sha256: str) -> None:
    """Keep a copy of `file`, whose hash is known; a damaged copy is replaced.

    Raises `SourceBusyError` when the file changed since it was hashed: somebody is still writing it.
    """
    if folder.fault(site, sha256):
        folder.take_in(site, file, sha256)
    put_away(site, sha256)


def put_away(site: Site, sha256: str) -> None:
    """Put a file of the folder into the storage that has the archive, unless it is there; without one the folder is enough."""
    if site.archive_place:
        storage.upload(site, sha256)


def fetched(site: Site, sha256: str) -> Path:
    """A file of the folder; what only the storage has is fetched. Raises `KamError` when that lacks it, or has other bytes."""
    kept = archived(site, sha256)
    if site.archive_place and not kept.is_file() and (found := storage.fetch(site, sha256)):
        message = f"{_in_archive(site, sha256)} {found}. Restore the archive from a backup"
        raise KamError(message)
    return kept


def size(site: Site, sha256: str) -> int | None:
    """Bytes of a file of the archive; None when it is not there."""
    kept = archived(site, sha256)
    if kept.is_file():
        return kept.stat().st_size
    return storage.size(site, sha256) if site.archive_place else None


def require_sound(site: Site, entries: Sequence[Mapping[str, Any]], *, repair: bool) -> None:
    """Make sure that the archive has the bytes of these lines of the ledger, and the folder as well; each file is read once.

    With `repair`, missing and damaged files are restored from the landing folder if it still has the same bytes.
    Raises `KamError` naming the files that are not sound.
    """
    files = {file["sha256"]: (file["name"], entry) for entry in entries for file in entry.get("files", ())}
    faults = [
        f"{_in_archive(site, sha256)} ({files[sha256][0]}, load {files[sha256][1]['load_id']} of {files[sha256][1]['feed']}) {found}"
        for sha256, found in _faults(site, list(files)).items()
        if not (repair and _brought_back(site, site.directory / files[sha256][0], sha256))
    ]
    if faults:
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        again = "" if repair else f" and run {site.command('rebuild', '--force')}"
        message = (
            f"{'; '.join(faults[:_SHOWN_FAULTS])}{more}. Restore the archive from a backup, or put the file back into "
            f"the landing folder under that name{again}; nothing was changed"
        )
        raise KamError(message)


def _faults(site: Site, hashes: list[str]) -> dict[str, str]:
    if site.archive_place:
        storage.look_again(site)
        return storage.faults(site, hashes)
    return {sha256: found for sha256 in hashes if (found := folder.fault(site, sha256))}


def _in_archive(site: Site, sha256: str) -> str:
    return f"{site.archive_name}/{sha256[:2]}/{sha256}"


def _brought_back(site: Site, landed: Path, sha256: str) -> bool:
    """Whether the archive has a file again: from this machine's copy, or from the landing folder."""
    with suppress(SourceRefusedError):
        if site.archive_place and not folder.fault(site, sha256):
            put_away(site, sha256)
            return True
        if landed.is_file() and file_hash(landed) == sha256:
            keep(site, landed, sha256)
            return True
    return False


def take_in(site: Site, file: Path) -> str:
    """Put a copy of `file` into the folder and return its SHA-256, found in the same pass; for `put_away` when it is to be loaded.

    Raises `SourceBusyError` when the file changes meanwhile, `SourceRefusedError` when it cannot be read.
    """
    return folder.take_in(site, file)


def ledger_entries(site: Site, on_repeat: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """All lines of the ledger; a last line that a crash cut short is left out, and so is one that repeats another.

    `on_repeat` gets a text that names such a line. Raises `KamError` for a damaged line before the last one, and for two
    that tell different things of the same load or decision.
    """
    entries: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
    for number, line in enumerate(lines.read(site), start=1):
        try:
            entry = dict(json.loads(line))
        except ValueError:
            message = f"{site.ledger_name}: line {number} is damaged. Restore the file from a backup"
            raise KamError(message) from None
        first, known = entries.setdefault(subject(entry), (number, entry))
        if known != entry:
            message = (
                f"{site.ledger_name}: line {number} is about the same {entry.get('kind', 'load')} as line {first}, but tells "
                "something else. Remove the wrong line, or restore the file from a backup"
            )
            raise KamError(message)
        if first != number:
            on_repeat(f"{site.ledger_name}: line {number} repeats line {first}. It counts once")
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
        if not _has(site, sha256) and not (bring_back and _brought_back(site, site.directory / name, sha256))
    ]
    if missing:
        more = f", and {len(missing) - _SHOWN_FAULTS} more" if len(missing) > _SHOWN_FAULTS else ""
        message = (
            f"{site.archive_name}: lacks {len(missing):,} of the {len(files):,} files that were loaded: "
            f"{', '.join(missing[:_SHOWN_FAULTS])}{more}. {why_away(site)} Bring it back, restore it from a "
            "backup, or put these files back into the landing folder; nothing was changed"
        )
        raise ArchiveIncompleteError(message)


def _has(site: Site, sha256: str) -> bool:
    return sha256 in storage.known(site) if site.archive_place else archived(site, sha256).is_file()


def why_away(site: Site) -> str:
    """What may have happened to an archive that is not there, as a question."""
    return (
        "Was the storage emptied, or is another place meant?"
        if site.archive_place
        else "Is the folder moved or not mounted?"
    )


def add_to_ledger(site: Site, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add lines to the ledger. Raises `KamError` when it cannot."""
    lines.add(site, [json.dumps(entry, ensure_ascii=False).encode() for entry in entries])
