"""Building chunks of months at the same time, each a task of a Prefect task runner or a run of a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import CrashedRun
from prefect.futures import PrefectFuture
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from kam import close
from kam.close import BuiltChunk, Chunk, pools, workers
from kam.site import Site
from tasks.work_pool import deployment


@task(task_run_name="build-{chunk.name}", cache_policy=NO_CACHE, persist_result=False)
def build_chunk(site: Site, chunk: Chunk) -> BuiltChunk:
    """Build the months of a chunk, on a worker."""
    return close.build_chunk(site, chunk)


def build_chunks(site: Site, chunks: Sequence[Chunk]) -> dict[int, BuiltChunk]:
    """Have the workers that the settings name build chunks; what each found, by the number of the chunk."""
    return workers.build_chunks(site, chunks, _pool)


@dataclass(frozen=True)
class _Told:
    """The future of a task runner; runners tell a worker that is gone as a run that crashed."""

    future: PrefectFuture[BuiltChunk]

    def result(self) -> BuiltChunk:
        try:
            return self.future.result()
        except CrashedRun as error:
            raise pools.WorkerLostError(str(error)) from None


@contextmanager
def _pool(site: Site, count: int) -> Iterator[pools.Submit]:
    named = site.settings.run.task_runner
    if named.startswith(pools.DEPLOYMENT):
        with deployment(site, named.removeprefix(pools.DEPLOYMENT)) as submit:
            yield submit
        return
    with ExitStack() as stack:
        runner = stack.enter_context(_runner(named, count, stack))
        stack.enter_context(pools.killing_workers())
        yield lambda site, chunk: _Told(runner.submit(build_chunk, {"site": site, "chunk": chunk}))


def _runner(named: str, count: int, stack: ExitStack) -> TaskRunner[Any]:
    runner: TaskRunner[Any]
    if named.startswith(pools.DASK):
        address = named.removeprefix(pools.DASK)
        pools.require_scheduler(address)
        from prefect_dask import DaskTaskRunner

        runner = DaskTaskRunner(address=address)
    elif named.startswith(pools.RAY):
        # The runner takes the connection that is there, and leaves it open.
        stack.enter_context(pools.ray_cluster(named.removeprefix(pools.RAY)))
        from prefect_ray import RayTaskRunner

        runner = RayTaskRunner()
    else:
        runner = ProcessPoolTaskRunner(count, initializer=pools.begin_worker)
    return runner
