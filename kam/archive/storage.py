"""The bytes of an archive in S3-compatible storage, under their hash. The folder has a copy of those that this machine needed."""

from __future__ import annotations

import os

from kam.archive import folder
from kam.archive.folder import MISSING, OTHER_BYTES, archived
from kam.errors import KamError
from kam.site import FETCHED, Site
from kam.warehouse import Objects, at_once

# Comes after all hashes in the order of names.
_LEDGER = "ledger/"
# The size of each file in the storage, by place and hash, as far as this process knows.
_known: dict[str, dict[str, int]] = {}


def look_again(site: Site) -> None:
    """Ask the storage anew what it has; others may have added to it, or removed something."""
    _known.pop(site.archive_place, None)


def known(site: Site) -> dict[str, int]:
    """The size of each file in the storage, by its hash, as of when this process asked last."""
    place = site.archive_place
    if place not in _known:
        found: dict[str, int] = {}
        for name, size in Objects(place).names():
            if name >= _LEDGER:
                break
            found[name.rpartition("/")[2]] = size
        _known[place] = found
    return _known[place]


def upload(site: Site, sha256: str) -> None:
    """Put a file of the folder, which is sound, into the storage unless that has it."""
    kept = archived(site, sha256)
    size = kept.stat().st_size
    if known(site).get(sha256) != size:
        Objects(site.archive_place).upload(_name(sha256), kept, sha256)
        known(site)[sha256] = size


def upload_all(site: Site, hashes: list[str]) -> None:
    """Put all of these into the storage; it is asked anew what it has."""
    look_again(site)
    known(site)
    at_once(lambda sha256: upload(site, sha256), hashes)


def fetch(site: Site, sha256: str) -> str:
    """Put a file of the storage into the folder; what is wrong with it there, and nothing was put, or empty.

    Raises `KamError` when the folder does not take it.
    """
    descriptor, file = folder.new_file(site, FETCHED)
    os.close(descriptor)
    try:
        if not Objects(site.archive_place).download(_name(sha256), file):
            return MISSING
        if folder.file_hash(file) != sha256:
            known(site).pop(sha256, None)  # so that a sound copy takes its place
            return OTHER_BYTES
        folder.put_in_place(site, file, sha256)
    except OSError as error:
        message = folder.unwritable(site.archive, error)
        raise KamError(message) from None
    finally:
        file.unlink(missing_ok=True)
    return ""


def faults(site: Site, hashes: list[str]) -> dict[str, str]:
    """What is wrong with these files, for each where something is; those that the folder lacks or has with other bytes are fetched.

    Bytes in the storage are read where they are fetched; of the others it is looked whether they are there, in full.
    """
    known(site)
    found_faults = at_once(lambda sha256: _fault(site, sha256), hashes)
    return {sha256: found for sha256, found in zip(hashes, found_faults, strict=True) if found}


def _fault(site: Site, sha256: str) -> str:
    size = known(site).get(sha256)
    if size is None:
        return MISSING
    if folder.fault(site, sha256):
        return fetch(site, sha256)
    if archived(site, sha256).stat().st_size != size:
        del known(site)[sha256]
        return OTHER_BYTES
    return ""


def size(site: Site, sha256: str) -> int | None:
    """Bytes of a file in the storage; None when it does not have it."""
    return Objects(site.archive_place).size(_name(sha256))


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
