"""Moves an archive with its ledger from the folder of a site to storage, or from there to other storage or back into the folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kam.archive import folder, lines, storage, store
from kam.errors import UsageError
from kam.site import Site
from kam.warehouse import at_once
from kam.words import counted

Say = Callable[[str], None]


@dataclass(frozen=True)
class MovedArchive:
    """How many files and lines of the ledger the archive has where it is now, which `name` says, and where it was before."""

    file_count: int
    line_count: int
    name: str
    kept: str


def move_archive(source: Site, target: Site, on_step: Say = lambda _: None) -> MovedArchive:
    """Copy the archive of a site to where the settings of `target`, the same site, say that it is; for the one process that may write.

    The hash of each file is checked. The archive before stays as it was; the setting is for others to write. What an earlier
    try has copied is not copied again. Raises `UsageError` when another archive is there, `KamError` when a file is not sound.
    """
    on_step("Comparing the archive with its ledger …")
    entries = store.ledger_entries(source)
    store.require_sound(source, entries, repair=True)
    hashes = sorted({file["sha256"] for entry in entries for file in entry.get("files", ())})
    whole = folder.complete_lines(source)
    if target.archive_place:
        _upload(target, whole, hashes, on_step)
    return MovedArchive(len(hashes), len(whole), target.archive_name, source.archive_name)


def is_ahead_of_storage(site: Site) -> bool:
    """Whether the folder of a site has lines of the ledger that the storage lacks: its settings name a place where it never was."""
    return len(folder.complete_lines(site)) > len(lines.there(site))


def _upload(target: Site, whole: list[bytes], hashes: list[str], on_step: Say) -> None:
    there = lines.there(target)
    names = [lines.name_of(number) for number in range(1, len(whole) + 1)]
    expected = dict(zip(names, whole, strict=True))
    if set(there) - set(names) or lines.fetched(target, there) != [expected[name] for name in there]:
        message = f"{target.archive_name}: has another archive, or one that went on elsewhere; nothing was changed. Name another place"
        raise UsageError(message)
    on_step(f"Copying {counted(len(hashes), 'file')} to {target.archive_name} …")
    storage.upload_all(target, hashes)
    missing = [number for number, name in enumerate(names, start=1) if name not in set(there)]
    on_step(f"Copying {counted(len(missing), 'line')} of the ledger …")
    at_once(lambda number: lines.put(target, number, whole[number - 1]), missing)
