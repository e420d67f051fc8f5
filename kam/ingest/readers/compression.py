"""Decompression of gzip and Zstandard files, within limits."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard

from kam.errors import SourceRefusedError
from kam.ingest.readers.relation import CHUNK, MEGABYTE
from kam.site import IngestSection

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
# Small files may well shrink a thousandfold: an empty template, a test.
_ALWAYS_EXPANDED = 64 * MEGABYTE
_LARGEST_WINDOW = 128 * MEGABYTE
_ZSTANDARD_PIECE = 4096


def uncompressed(file: Path, folder: Path, where: str, limits: IngestSection) -> Path:
    """The file itself, or what a gzip or Zstandard file holds, as a copy in `folder`.

    Raises `SourceRefusedError` for an empty, damaged or incomplete file, and for one that grows beyond the limits.
    """
    with file.open("rb") as stream:
        start = stream.read(4)
    if not start:
        message = f"{where}: the file has zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    blocks = _gzip_blocks if start.startswith(_GZIP) else _zstandard_blocks if start == _ZSTANDARD else None
    if blocks is None:
        return file
    copy = folder / "uncompressed"
    largest = largest_expansion(file, limits)
    written = 0
    try:
        with file.open("rb") as stream, copy.open("wb") as out:
            for block in blocks(stream):
                written += len(block)
                if written > largest:
                    raise _explosion(where, file, written, limits)
                out.write(block)
    except (EOFError, zlib.error, zstandard.ZstdError, MemoryError) as error:
        message = f"{where}: the compressed file is damaged or incomplete ({error}). Download it again"
        raise SourceRefusedError(message) from None
    if not written:
        message = f"{where}: the compressed file holds zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    return copy


def largest_expansion(file: Path, limits: IngestSection) -> int:
    """How many bytes a compressed file may hold: a workbook too, which is a ZIP file."""
    by_ratio = max(file.stat().st_size * limits.max_expansion_ratio, _ALWAYS_EXPANDED)
    return min(by_ratio, limits.max_expanded_bytes)


def _explosion(where: str, file: Path, written: int, limits: IngestSection) -> SourceRefusedError:
    size = file.stat().st_size
    message = (
        f"{where}: {size:,} bytes expand to more than {written:,}, beyond {limits.max_expansion_ratio} times the file "
        f"or {limits.max_expanded_gigabytes} GB. If that is right, raise ingest.max_expansion_ratio or "
        f"ingest.max_expanded_gigabytes in kam.toml"
    )
    return SourceRefusedError(message)


def _gzip_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What all members of a gzip file hold; zero bytes after the last one are padding."""
    data = stream.read(CHUNK)
    while data.strip(b"\0"):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while not member.eof:
            if not data:
                message = "it ends before its end mark"
                raise EOFError(message)
            yield member.decompress(data, CHUNK)
            data = member.unconsumed_tail or (b"" if member.eof else stream.read(CHUNK))
        data = member.unused_data or stream.read(CHUNK)


def _zstandard_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What all frames of a Zstandard file hold."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    frame = decompressor.decompressobj()
    # Four bytes can stand for a block of 128 KB, so small pieces keep a bomb small too.
    while data := stream.read(_ZSTANDARD_PIECE):
        while data:
            if frame.eof:
                frame = decompressor.decompressobj()
            yield frame.decompress(data)
            data = frame.unused_data if frame.eof else b""
    if not frame.eof:
        message = "it ends before its end mark"
        raise EOFError(message)
