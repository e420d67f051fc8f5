"""Building chunks of months at the same time, each a task of a Prefect task runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from kam import close
from kam.close import BuiltChunk, Chunk, workers
from kam.site import Site


@task(task_run_name="build-{chunk.name}", cache_policy=NO_CACHE, persist_result=False)
def build_chunk(site: Site, chunk: Chunk) -> BuiltChunk:
    """Build the months of a chunk, on a worker."""
    return close.build_chunk(site, chunk)


def build_chunks(site: Site, chunks: Sequence[Chunk]) -> dict[int, BuiltChunk]:
    """Have the workers that the settings name build chunks; what each found, by the number of the chunk."""
    return workers.build_chunks(site, chunks, _pool)


@contextmanager
def _pool(site: Site, count: int) -> Iterator[workers.Submit]:
    with ExitStack() as stack:
        runner = stack.enter_context(_runner(site, count))
        stack.enter_context(workers.killing_workers())
        yield lambda site, chunk: runner.submit(build_chunk, {"site": site, "chunk": chunk})


def _runner(site: Site, count: int) -> TaskRunner[Any]:
    named = site.settings.run.task_runner
    if not named.startswith(workers.DASK):
        return ProcessPoolTaskRunner(count, initializer=workers.begin_worker)
    address = named.removeprefix(workers.DASK)
    workers.require_scheduler(address)
    from prefect_dask import DaskTaskRunner

    runner: TaskRunner[Any] = DaskTaskRunner(address=address)
    return runner
