"""Errors a person reads: one line that says what happened, where, and what to do next.

Each class carries the exit status that the command line answers with.
"""

from __future__ import annotations

import errno
import os
import re

_DISK_FAULTS = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO))


class KamError(Exception):
    """A refused source, or anything else that stops a command; never shown with a traceback."""

    exit_code: int = 1


class StoppedError(KamError):
    """Somebody or the system stopped the command with a signal."""

    def __init__(self, message: str, number: int) -> None:
        """`number` is the signal's; the exit status is the one that shells give it."""
        super().__init__(message)
        self.exit_code = 128 + number


class UsageError(KamError):
    """Wrong input: a month that is not one, a site that does not exist, a month without data."""

    exit_code: int = 2


class SettingsError(UsageError):
    """A key in `kam.toml` is unknown, missing or has an unusable value."""


class SourceRefusedError(KamError):
    """A file or query that cannot be loaded at all; nothing of it was loaded."""


class WrongIdentityError(UsageError):
    """A run names another person than its deployment."""


class MissingColumnError(SourceRefusedError):
    """A source lacks a column that is mapped or required; `kam check` may propose which other one it is."""


class SourceBusyError(SourceRefusedError):
    """A file that somebody is still writing; it is left for the next run."""


class DatabaseUnreachableError(SourceRefusedError):
    """A database that did not answer; trying again may help."""


class ModelFailedError(KamError):
    """A model cannot be computed from the rows that it reads; the months that are built with it fail."""


class OutOfMemoryError(ModelFailedError):
    """The months that are built together need more memory than `[site] memory_limit` allows; fewer may fit."""


class ValidationFailedError(KamError):
    """A critical rule failed, or the month is not ready; what is published stays as it is."""

    exit_code: int = 3


class MonthChangedError(KamError):
    """The month is closed and its inputs changed since; a restatement needs a reason."""

    exit_code: int = 4


class MonthLockedError(MonthChangedError):
    """The month is locked and its inputs changed since; it keeps its version until somebody opens the lock."""


class ArchiveIncompleteError(KamError):
    """The archive lacks files that were loaded: it was moved, is not mounted, or was lost."""


class WarehouseBusyError(KamError):
    """Another process is writing to the warehouse and did not finish in time."""

    exit_code: int = 5


class WorkersAwayError(KamError):
    """Or the workers of a backfill cannot be reached, or die again and again."""

    exit_code: int = 5


class WarehouseAwayError(WarehouseBusyError):
    """The catalog of a lake or the storage of its files does not answer, or refuses; what was not committed yet is not kept."""


# What PostgreSQL's own library says when a server ended or cannot be reached; DuckDB passes it on.
_AWAY = (
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    "connection to server",
    "connection not open",
    "could not receive data from server",
    "could not send data to server",
    "the database system is",
    'Failed to execute query "ROLLBACK"',
)


def away(error: object) -> bool:
    """Whether the catalog of a lake did not answer."""
    return any(words in str(error) for words in _AWAY)


# What DuckDB says of a request to S3-compatible storage that failed, with the name of the file; at the start of its text, or the text
# could be a value of somebody's source.
_STORAGE_FAULT = re.compile(
    r"(?:[\w ]+Error: )*(?:Failed to [\w ]+: )*(?:HTTP Error: |\w[\w ,()?'-]* error for HTTP [A-Z]+ to ')"
)


def storage_fault(error: object) -> str:
    """What S3-compatible storage answered, or why it did not, as one line; empty for any other error."""
    lines = str(error).splitlines()
    return " ".join(line for line in lines if line) if lines and _STORAGE_FAULT.match(lines[0]) else ""


# What DuckDB says of a file of its own whose bytes were changed or cut off.
_DAMAGES = (
    "Corrupt database file",
    "is not a valid DuckDB database file",
    "Failure while replaying WAL file",
    "has been invalidated because of a previous fatal error",
)


def damage(error: BaseException) -> str:
    """What DuckDB found wrong in the bytes of a database file, as one line; empty for any other error."""
    lines = (line for line in str(error).splitlines() if any(found in line for found in _DAMAGES))
    return next(lines, "")


def out_of_memory(error: object) -> str:
    """What DuckDB says of memory that it was not allowed to use, as one line; empty for any other error."""
    return next((line for line in str(error).splitlines() if "Out of Memory Error" in line), "")


def is_of_storage(error: BaseException) -> bool:
    """Whether a disk, a damaged database file, or a catalog or storage that does not answer is at fault, and not what was asked for."""
    return bool(disk_fault(error) or damage(error) or away(error) or storage_fault(error))


def disk_fault(error: BaseException) -> str:
    """What a disk refused, such as `No space left on device`; empty for any other error.

    Read from the text, because DuckDB passes on the system's words but not its error number.
    """
    return next((fault for fault in _DISK_FAULTS if fault in str(error)), "")
