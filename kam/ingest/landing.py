"""The files of the landing folder that a site's patterns name, and which of them must not be read, or not yet.

A link that leads out of the landing folder is refused: anyone who can write there could have any file read.
"""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kam.archive import file_hash
from kam.errors import SourceBusyError, SourceRefusedError
from kam.ingest.file_order import file_order
from kam.site import Site, date_in_name
from kam.words import printable

_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_EXCEL_OWNER_FILE = "~$"


@dataclass(frozen=True)
class LandedFile:
    """A file that the patterns name: `name` can be printed, `path` opens it.

    `refusal` says why it must not be read, `left` why not yet; without either, `sha256` is the hash of its bytes.
    """

    name: str
    path: Path
    sha256: str = ""
    refusal: str = ""
    left: str = ""


def landed_files(
    site: Site,
    patterns: Sequence[str],
    hashed: Callable[[Path], str] = file_hash,
    *,
    file_date: str | None = None,
    month_names: str = "",
) -> Iterator[LandedFile]:
    """The files that patterns name, each looked at, and `hashed`, when its turn comes.

    They come in the order of their names, or of the dates in them where `file_date` says their form; `month_names` is the language of
    its months.
    """
    named = _each_once(site, patterns)
    for name in sorted(named, key=file_order(file_date, month_names)):
        path = site.directory / name
        if path.name.startswith(_EXCEL_OWNER_FILE):
            continue
        if file_date and date_in_name(name, file_date, month_names) is None:
            refusal = (
                f"{printable(name)}: its name does not hold one date as file_date = {file_date!r} says. "
                "Rename it, or move it out of the landing folder"
            )
            yield LandedFile(printable(name), path, refusal=refusal)
        else:
            yield _looked_at(path, printable(name), named[name], site.settings.ingest.settle_seconds, hashed)


def _each_once(site: Site, patterns: Sequence[str]) -> dict[str, Path]:
    """File names with the folder that they must stay in; of several names for one file, the shortest."""
    named = {name: root for pattern in patterns for name, root in _matches(site.directory, pattern)}
    by_file: dict[str, str] = {}
    for name in sorted(named, key=lambda name: (name.count(os.sep), name)):
        by_file.setdefault(os.path.realpath(site.directory / name), name)
    return {name: named[name] for name in by_file.values()}


def _matches(site: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """The names that a pattern stands for: a file, all files below a folder, or what a glob pattern finds."""
    named = site / pattern
    if named.is_dir():
        names = glob.glob("**", root_dir=named, recursive=True)  # noqa: PTH207 - Path.glob follows no links
        found = [str(Path(pattern) / name) for name in names]
    elif os.path.lexists(named):
        found = [pattern]
    else:
        # Path.glob does not take the absolute patterns of a landing folder elsewhere.
        found = glob.glob(pattern, root_dir=site, recursive=True)  # noqa: PTH207
    root = _landing(site, pattern)
    for name in found:
        # The entry itself, since a name through a chain of links may be too long for the system to follow.
        path = site / name
        if not (Path(os.path.realpath(path.parent)) / path.name).is_dir():
            yield name, root


def _landing(site: Path, pattern: str) -> Path:
    """The folder that a pattern's files must lie in: the first below the site, or the fixed part of an absolute one."""
    parts = Path(pattern).parts
    if not Path(pattern).is_absolute():
        is_fixed = len(parts) > 1 and not glob.has_magic(parts[0]) and parts[0] != ".."
        return site / parts[0] if is_fixed or (site / pattern).is_dir() else site
    if (site / pattern).is_dir():
        return Path(pattern).resolve()
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:fixed]).resolve()


def _looked_at(path: Path, name: str, root: Path, settle_seconds: int, hashed: Callable[[Path], str]) -> LandedFile:
    refusal = _why_not(path, name, root)
    if refusal:
        return LandedFile(name, path, refusal=refusal)
    try:
        sha256, why_left = _hash_or_why_not(path, settle_seconds, hashed)
    except (OSError, SourceRefusedError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{path}: ")
        return LandedFile(name, path, refusal=f"{name}: {reason}")
    return LandedFile(name, path, sha256, left=f"{name}: {why_left}; left for the next run" if why_left else "")


def _hash_or_why_not(path: Path, settle_seconds: int, hashed: Callable[[Path], str]) -> tuple[str, str]:
    """The hash of a file's bytes, or why it is too early to read them."""
    if path.name.lower().endswith(_UNFINISHED):
        return "", "its name says that it is still being written"
    try:
        before = path.stat()
        # A time in the future (a clock was set back) must not keep the file out until then.
        if abs(time.time() - before.st_mtime) < settle_seconds:
            return "", f"changed less than {settle_seconds} seconds ago"
        sha256 = hashed(path)
        after = path.stat()
    except FileNotFoundError:
        return "", "was removed while it was read"
    except SourceBusyError:
        return "", "is still being written"
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return "", "is still being written"
    return sha256, ""


def _why_not(path: Path, name: str, root: Path) -> str:
    """Why a file must not be read; empty when it may."""
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except FileNotFoundError:
        return f"{name}: a symbolic link to a file that is not there" if path.is_symlink() else ""
    except (OSError, RuntimeError) as error:
        return f"{name}: cannot be read: {error}".replace(str(path), "the file")
    if not real.is_relative_to(root) and ".." in Path(name).parts:
        return f"{name}: lies outside the site. Name its folder by its whole path: {printable(str(real.parent))}"
    if not real.is_relative_to(root):
        return (
            f"{name}: a symbolic link that leads out of the landing folder, to {printable(str(real))}. "
            "Put a copy there, or name its folder under `files`"
        )
    if not stat.S_ISREG(mode):
        return f"{name}: not a regular file"
    return ""
