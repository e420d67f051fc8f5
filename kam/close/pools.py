"""Where the workers of a backfill run: processes of this machine, or those of a Dask scheduler or a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from kam.close.chunks import Chunk, build_chunk
from kam.errors import KamError, WorkersAwayError
from kam.site import Site

DASK, RAY, DEPLOYMENT = "dask:", "ray:", "deployment:"
_LOOK_SECONDS = 10


class WorkerLostError(Exception):
    """A worker is gone, and did not say what it found."""


class Future(Protocol):
    """A chunk that a worker builds."""

    def result(self) -> Any:  # noqa: ANN401 - libraries do not say
        """What it found, when it is done. Raises what it ran into."""


Submit = Callable[[Site, Chunk], Future]
"""Gives a chunk to a worker."""
Pool = Callable[[Site, int], AbstractContextManager[Submit]]
"""Workers for a site, as many as a number says where they are processes of this machine."""


def lost() -> tuple[type[BaseException], ...]:
    """The errors that say that a worker or its scheduler is gone, and not what it ran into."""
    found: tuple[type[BaseException], ...] = (WorkerLostError, BrokenExecutor, CancelledError)
    try:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError
    except ImportError:
        return found
    return (*found, KilledWorker, CommClosedError)


@contextmanager
def plain_pool(site: Site, count: int) -> Iterator[Submit]:
    """Workers without Prefect. Raises `WorkersAwayError` where the settings name some that nobody reaches so."""
    runner = site.settings.run.task_runner
    if runner.startswith(DEPLOYMENT):
        message = (
            f"[run] task_runner: {runner} needs the Prefect server that has this deployment. Nothing was closed. Set PREFECT_API_URL to "
            "its address, or close with workers = 1"
        )
        raise WorkersAwayError(message)
    if runner.startswith(DASK):
        pool = _dask(runner.removeprefix(DASK))
    elif runner.startswith(RAY):
        pool = _ray(runner.removeprefix(RAY))
    else:
        pool = _processes(count)
    with pool as submit:
        yield submit


@contextmanager
def _processes(count: int) -> Iterator[Submit]:
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
        raise KamError(_missing("Dask", "dask")) from None
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


@dataclass(frozen=True)
class _OfRay:
    """What `ray.remote` gave: its value is asked of Ray."""

    ray: Any
    reference: Any

    def result(self) -> Any:  # noqa: ANN401 - Ray does not say
        try:
            return self.ray.get(self.reference)
        except (self.ray.exceptions.RayTaskError, self.ray.exceptions.TaskCancelledError) as error:
            raise getattr(error, "cause", error) from None
        except self.ray.exceptions.RayError as error:
            raise WorkerLostError(str(error).splitlines()[0]) from None


@contextmanager
def _ray(address: str) -> Iterator[Submit]:
    with ray_cluster(address) as ray:
        build = ray.remote(build_chunk)
        yield lambda site, chunk: _OfRay(ray, build.remote(site, chunk))


@contextmanager
def ray_cluster(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster. Raises `WorkersAwayError` when none answers at this address."""
    try:
        import ray
    except ImportError:
        raise KamError(_missing("Ray", "ray")) from None
    try:
        ray.init(address=address, namespace="kam", logging_level="WARNING", log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"[run] task_runner: the Ray cluster {address} cannot be reached: {reason}. Nothing was closed. Start it, or close with workers = 1"
        raise WorkersAwayError(message) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _missing(library: str, extra: str) -> str:
    return f"workers of {library} need the extra {extra}: pip install 'kam-close[{extra}]'"


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
