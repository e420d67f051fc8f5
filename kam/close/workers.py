"""A backfill over workers: what each builds, and what happens when one of them dies."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from datetime import date

from kam.close.chunks import (
    BuiltChunk,
    Chunk,
    adopt,
    chunks_of,
    require_equal_seams,
    require_stored_once,
)
from kam.close.pools import Pool, WorkerLostError, lost, plain_pool
from kam.errors import WorkersAwayError
from kam.site import Site
from kam.stages import each
from kam.stops import check

ATTEMPTS = 3
log = logging.getLogger("kam")


def build_chunks(site: Site, chunks: Sequence[Chunk], pool: Pool = plain_pool) -> dict[int, BuiltChunk]:
    """Have workers build chunks; what each found, by the number of the chunk. The chunk of a worker that died is given to another one.

    Raises `WorkersAwayError` when workers die again and again or cannot be reached, and what a worker raises.
    """
    built: dict[int, BuiltChunk] = {}
    why = ""
    for _ in range(ATTEMPTS):
        left = [chunk for chunk in chunks if chunk.number not in built]
        try:
            with pool(site, min(site.settings.run.workers, len(left))) as submit:
                futures = [submit(site, chunk) for chunk in left]
                for chunk, future in each("workers", list(zip(left, futures, strict=True)), "chunk", name=_name):
                    built[chunk.number] = future.result()
        except lost() as error:
            check()
            why = str(error) if isinstance(error, WorkerLostError) else type(error).__name__
            log.warning("A worker died (%s). Its months are given to another one", why)
        else:
            return built
    names = ", ".join(chunk.name for chunk in chunks if chunk.number not in built)
    message = f"workers died {ATTEMPTS} times while they built {names} ({why}). Nothing of these months was closed. Is there enough memory? See [site] memory_limit and [run] workers"
    raise WorkersAwayError(message)


def built_ahead(
    site: Site,
    cuts: Sequence[tuple[date, ...]],
    as_of_load: int,
    build: Callable[[Site, Sequence[Chunk]], dict[int, BuiltChunk]],
    *,
    restate: bool,
) -> dict[tuple[date, ...], BuiltChunk]:
    """Have workers build these months and store their rows; what each found, without the chunks in which a model failed.

    Raises as `build_chunks` does, and `KamError` when two workers built one month differently. Nothing is committed.
    """
    on_this_machine = site.settings.run.task_runner == "process"
    threads = max(1, (os.cpu_count() or 1) // min(site.settings.run.workers, len(cuts))) if on_this_machine else None
    with chunks_of(site, cuts, as_of_load, restate=restate, threads=threads) as chunks:
        built = build(site, chunks)
    require_equal_seams(chunks, built)
    adopt(site, built.values())
    require_stored_once(site)
    return {chunk.months: built[chunk.number] for chunk in chunks if not built[chunk.number].failed}


def _name(given: tuple[Chunk, object]) -> str:
    return given[0].name
