"""Where the workers of a backfill run, and what happens when one of them dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import Any, Protocol

from kam.close.chunks import (
    BuiltChunk,
    Chunk,
    adopt,
    build_chunk,
    chunks_of,
    require_equal_seams,
    require_stored_once,
)
from kam.errors import KamError, WorkersAwayError
from kam.site import Site
from kam.stages import each
from kam.stops import check

DASK = "dask:"
ATTEMPTS = 3
_LOOK_SECONDS = 10
_MISSING = "workers on a Dask scheduler need the extra dask: pip install 'kam-close[dask]'"
log = logging.getLogger("kam")


class _Future(Protocol):
    """A chunk that a worker builds."""

    def result(self) -> Any:  # noqa: ANN401 - libraries do not say
        """What it found, when it is done. Raises what it ran into."""


Submit = Callable[[Site, Chunk], _Future]
"""Gives a chunk to a worker."""
Pool = Callable[[Site, int], AbstractContextManager[Submit]]
"""Workers for a site, as many as a number says where they are processes of this machine."""


@contextmanager
def plain_pool(site: Site, count: int) -> Iterator[Submit]:
    """Workers without Prefect: processes of this machine, or those of a Dask scheduler."""
    runner = site.settings.run.task_runner
    if runner.startswith(DASK):
        with _dask(runner.removeprefix(DASK)) as submit:
            yield submit
        return
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker) as pool,
        killing_workers(),
    ):
        yield lambda site, chunk: pool.submit(build_chunk, site, chunk)


@contextmanager
def _dask(address: str) -> Iterator[Submit]:
    require_scheduler(address)
    from distributed import Client

    with Client(address, timeout=_LOOK_SECONDS, set_as_default=False) as client:
        yield lambda site, chunk: client.submit(build_chunk, site, chunk, pure=False)


def require_scheduler(address: str) -> None:
    """Raise `WorkersAwayError` when no scheduler answers at this address, or it has no worker."""
    try:
        from distributed import Client
    except ImportError:
        raise KamError(_MISSING) from None
    try:
        with Client(address, timeout=_LOOK_SECONDS, set_as_default=False) as client:
            count = len(client.scheduler_info(n_workers=-1)["workers"])
    except OSError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"[run] task_runner: the Dask scheduler {address} cannot be reached: {reason}. Nothing was closed. Start it, or close with workers = 1"
        raise WorkersAwayError(message) from None
    if not count:
        message = f"[run] task_runner: the Dask scheduler {address} has no worker. Nothing was closed. Start one: dask worker {address} --nthreads 1"
        raise WorkersAwayError(message)


def begin_worker() -> None:
    """What a worker process does first: it ends with the process that started it, however that one ends, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


@contextmanager
def killing_workers() -> Iterator[None]:
    """Processes that are started within the block end at once when it ends with an error; else it would wait for them."""
    before = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        raise


def build_chunks(site: Site, chunks: Sequence[Chunk], pool: Pool = plain_pool) -> dict[int, BuiltChunk]:
    """Have workers build chunks; what each found, by the number of the chunk. The chunk of a worker that died is given to another one.

    Raises `WorkersAwayError` when workers die again and again or cannot be reached, and what a worker raises.
    """
    built: dict[int, BuiltChunk] = {}
    for _ in range(ATTEMPTS):
        left = [chunk for chunk in chunks if chunk.number not in built]
        try:
            with pool(site, min(site.settings.run.workers, len(left))) as submit:
                futures = [submit(site, chunk) for chunk in left]
                for chunk, future in each("workers", list(zip(left, futures, strict=True)), "chunk", name=_name):
                    built[chunk.number] = future.result()
        except _lost() as error:
            check()
            log.warning("A worker died (%s). Its months are given to another one …", type(error).__name__)
        else:
            return built
    names = ", ".join(chunk.name for chunk in chunks if chunk.number not in built)
    message = f"workers died {ATTEMPTS} times while they built {names}. Nothing of these months was closed. Is there enough memory? See [site] memory_limit and [run] workers"
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
    on_this_machine = not site.settings.run.task_runner.startswith(DASK)
    threads = max(1, (os.cpu_count() or 1) // min(site.settings.run.workers, len(cuts))) if on_this_machine else None
    with chunks_of(site, cuts, as_of_load, restate=restate, threads=threads) as chunks:
        built = build(site, chunks)
    require_equal_seams(chunks, built)
    adopt(site, built.values())
    require_stored_once(site)
    return {chunk.months: built[chunk.number] for chunk in chunks if not built[chunk.number].failed}


def _name(given: tuple[Chunk, object]) -> str:
    return given[0].name


def _lost() -> tuple[type[BaseException], ...]:
    """The errors that say that a worker or its scheduler is gone, and not what it ran into."""
    lost = (BrokenExecutor, CancelledError)
    try:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError
    except ImportError:
        return lost
    return (*lost, KilledWorker, CommClosedError)
