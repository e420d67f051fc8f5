"""Where a record stands in its file: the line of a text file, the row of a sheet. Read again from the archived bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from kam.archive import fetched, size
from kam.errors import KamError, WarehouseAwayError
from kam.ingest.readers import record_lines
from kam.ingest.sources import is_text
from kam.site import WORKBOOK_ENDINGS, FeedSource, Site, scratch_folder

# To count the lines of a larger file takes long; then the number of the record has to do.
_LARGEST = 200_000_000


def places_of(site: Site, files: str | None, reading: str | None, records: Sequence[int]) -> Mapping[int, str]:
    """Where these records of a load stand, such as `line 12` or `sheet 'Orders', row 12`, by their numbers.

    `files` and `reading` are those of the load in `ops.loads`. There are none of a database, of a SELECT over files, of formats without
    lines, of a very large file, and of one that the archive has not, or that cannot be read.
    """
    listed: list[dict[str, Any]] = json.loads(files or "[]")
    source = FeedSource.model_validate(json.loads(reading)) if reading else None
    if len(listed) != 1 or source is None or source.files is None:
        return {}
    sha256 = listed[0]["sha256"]
    found_size = size(site, sha256)
    if found_size is None or found_size > _LARGEST:
        return {}
    wanted = set(records)
    with scratch_folder(site, "read-") as folder:
        try:
            kept = fetched(site, sha256)
            found = islice(enumerate(_places(site, listed[0]["name"], kept, source, folder), start=1), max(wanted))
            return {number: place for number, place in found if number in wanted}
        except WarehouseAwayError:
            raise
        except (KamError, OSError, UnicodeDecodeError):
            return {}


def _places(site: Site, name: str, kept: Path, source: FeedSource, folder: Path) -> Iterator[str]:
    if name.lower().endswith(WORKBOOK_ENDINGS):
        from kam.ingest.readers.workbooks import record_places

        yield from record_places(kept, source, site.settings.ingest)
    elif is_text(name):
        yield from (f"line {line}" for line in record_lines(kept, source.csv, folder, site.settings.ingest))
