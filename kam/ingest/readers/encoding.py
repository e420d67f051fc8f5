"""Refusal of files in other formats than declared, and decoding to UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import Path

from kam.errors import SourceRefusedError
from kam.ingest.readers.relation import CHUNK
from kam.site import CsvDialect

_OTHER_FORMATS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
}
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<!--", b"<head", b"<body")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF8_NAMES = ("utf-8", "utf-8-sig")
_C1_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")


def refuse_other_formats(file: Path, dialect: CsvDialect, where: str) -> None:
    """Raise `SourceRefusedError` for a file that is not text in the declared encoding: a workbook, an archive, a web page."""
    with file.open("rb") as stream:
        start = stream.read(4096)
    for mark, what in _OTHER_FORMATS.items():
        if start.startswith(mark):
            message = f"{where}: this is {what}, not a CSV file"
            raise SourceRefusedError(message)
    visible = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if visible.startswith(_WEB_PAGE):
        message = f"{where}: this is a web page or XML, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    if visible.startswith((b"{", b"[{")):
        message = f"{where}: this is JSON, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    if dialect.encoding.startswith(("utf-16", "utf-32")):
        return
    if start.startswith(_UTF16_MARKS) or _looks_like_utf16(start):
        message = f'{where}: this looks like UTF-16 text. Say so in kam.toml: csv = {{ encoding = "utf-16" }}'
        raise SourceRefusedError(message)
    if start.startswith(codecs.BOM_UTF8) and dialect.encoding not in _UTF8_NAMES:
        message = (
            f"{where}: the file starts with the byte-order mark of UTF-8, and csv.encoding says {dialect.encoding}. "
            f'Set csv.encoding = "utf-8" in kam.toml'
        )
        raise SourceRefusedError(message)


def _looks_like_utf16(start: bytes) -> bool:
    """Every second byte zero, as Western text has it."""
    pairs = len(start) // 2
    zeros = sorted((start[::2].count(0), start[1::2].count(0)))
    return pairs > 1 and zeros[0] <= pairs // 4 and zeros[1] > pairs * 3 // 4


def as_utf8(file: Path, dialect: CsvDialect, folder: Path, where: str) -> Path:
    """The file itself when it is declared UTF-8, else a decoded copy in `folder`."""
    if dialect.encoding in _UTF8_NAMES:
        return file
    copy = folder / "text.csv"
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    doubt = _Utf8Doubt()
    position, controls = 0, False
    try:
        with file.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as out:
            while chunk := source.read(CHUNK):
                text = decoder.decode(chunk)
                doubt.see(chunk)
                controls = controls or bool(_C1_CONTROLS.search(text))
                out.write(text)
                position += len(chunk)
            out.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        place = f"byte {position + error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
        message = f"{where}: not {dialect.encoding} text ({place}). Set csv.encoding in kam.toml to what the file is"
        raise SourceRefusedError(message) from None
    if doubt.is_utf8 and not dialect.encoding.startswith(("utf-16", "utf-32", "utf-7")):
        message = (
            f"{where}: csv.encoding says {dialect.encoding}, but every letter beyond ASCII is written as in UTF-8. "
            f'Set csv.encoding = "utf-8" in kam.toml'
        )
        raise SourceRefusedError(message)
    if controls and dialect.encoding == "iso8859-1":
        message = (
            f"{where}: control characters where {dialect.encoding} has no letters; this looks like Windows text. "
            f'Set csv.encoding = "cp1252" in kam.toml'
        )
        raise SourceRefusedError(message)
    return copy


class _Utf8Doubt:
    """Whether bytes declared to be something else are UTF-8 with letters beyond ASCII: `MÃ¼ller` for `Müller`."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._valid, self._beyond_ascii = True, False

    def see(self, chunk: bytes) -> None:
        """Take the next bytes into account."""
        if not self._valid or (chunk.isascii() and not self._beyond_ascii):
            return
        try:
            self._beyond_ascii = not self._decoder.decode(chunk).isascii() or self._beyond_ascii
        except UnicodeDecodeError:
            self._valid = False

    @property
    def is_utf8(self) -> bool:
        """After the last bytes: all of them were UTF-8, and not all of them ASCII."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return self._valid and self._beyond_ascii


def not_utf8(where: str, error: UnicodeDecodeError) -> SourceRefusedError:
    """The refusal of a file that is not UTF-8."""
    byte = error.object[error.start : error.start + 1].hex()
    message = f"{where}: not UTF-8 text (a byte 0x{byte}). Set csv.encoding in kam.toml, such as cp1252 or latin-1"
    return SourceRefusedError(message)
