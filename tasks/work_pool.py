"""Chunks of months as runs of a deployment: whatever its work pool starts, such as a pod of Kubernetes, builds one.

Prefect hands a run only what JSON can hold, and only storage that it knows takes results. So both lie in the folder of the site, which
coordinator and workers share: `.scratch/chunks-…/1.chunk`, and then `1.built`.
"""

from __future__ import annotations

import logging
import pickle
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling

from kam.close import BuiltChunk, Chunk, build_chunk, pools
from kam.errors import KamError, UsageError, WorkersAwayError
from kam.site import Site, find_site, scratch_folder
from kam.stops import check

_PREFIX = "chunks-"
_FOLDER = re.compile(rf"{_PREFIX}[0-9a-f]+")
_LOOK_SECONDS = 1.0
_LATE_SECONDS = 60
log = logging.getLogger("kam")


@dataclass
class _FlowRun:
    """A run of the deployment, and where its worker puts what it found."""

    client: SyncPrefectClient
    deployment: str
    id: UUID
    name: str
    built: Path
    is_over: bool = False

    def result(self) -> BuiltChunk:
        began, is_told = time.monotonic(), False
        while True:
            check()
            state = self.client.read_flow_run(self.id).state
            if state is not None and state.is_final():
                self.is_over = True
                break
            waits = state is None or state.is_scheduled() or state.is_pending()
            if waits and not is_told and time.monotonic() - began > _LATE_SECONDS:
                log.warning("%s: no worker of the work pool has begun it yet", self.name)
                is_told = True
            time.sleep(_LOOK_SECONDS)
        if not self.built.exists():
            said = f"{self.name}: {state.message or state.name}"
            if state.is_failed():  # what it ran into, another worker would run into, too
                message = f"a run of {self.deployment} could not build its months: {said}. Nothing of them was closed"
                raise WorkersAwayError(message)
            raise pools.WorkerLostError(said)
        found: BuiltChunk | KamError = pickle.loads(self.built.read_bytes())  # noqa: S301 - from our own worker
        if isinstance(found, KamError):
            raise found
        return found

    def cancel(self) -> None:
        """End it where it still runs: what it would store is refused anyway. A server that is away is told elsewhere."""
        if not self.is_over:
            with suppress(httpx.HTTPError, ObjectNotFound):
                self.client.set_flow_run_state(self.id, Cancelling(), force=False)


@contextmanager
def deployment(site: Site, name: str) -> Iterator[pools.Submit]:
    """Workers that are runs of a deployment of `flows.build_chunk`. Raises `WorkersAwayError` when the server does not have it."""
    runs: list[_FlowRun] = []
    with get_client(sync_client=True) as client, scratch_folder(site, _PREFIX) as folder:
        try:
            client.read_deployment_by_name(name)
        except ObjectNotFound:
            message = (
                f"[run] task_runner: the Prefect server has no deployment {name}. Nothing was closed. Make it, as docs/operations/workers.md "
                "says, or close with workers = 1"
            )
            raise WorkersAwayError(message) from None

        def submit(site: Site, chunk: Chunk) -> _FlowRun:
            _chunk_file(folder, chunk.number).write_bytes(pickle.dumps((site, chunk)))
            given = {"site": str(site.directory), "folder": folder.name, "number": chunk.number}
            started = cast(
                "FlowRun", run_deployment(name, parameters=given, timeout=0, flow_run_name=f"build-{chunk.name}")
            )
            runs.append(_FlowRun(client, name, started.id, f"build-{chunk.name}", _built_file(folder, chunk.number)))
            return runs[-1]

        try:
            yield submit
        finally:
            for run in runs:
                run.cancel()


def build_handed_over(site: str, folder: str, number: int) -> None:
    """Build the chunk with this number that a run put into a folder of the site's scratch folder, and put there what was found.

    Raises `UsageError` when it is not there, and what building it raises, which the run is also told.
    """
    place = find_site(Path(site)).scratch / folder
    if not _FOLDER.fullmatch(folder) or not _chunk_file(place, number).exists():
        message = f"{place}: has no chunk {number}. Is its run over, or is the folder of the site not shared with this machine?"
        raise UsageError(message)
    opened, chunk = pickle.loads(_chunk_file(place, number).read_bytes())  # noqa: S301 - from the run that started this one
    found: BuiltChunk | KamError
    try:
        found = build_chunk(opened, chunk)
    except KamError as error:
        _put(place, number, error)
        raise
    _put(place, number, found)


def _put(place: Path, number: int, found: BuiltChunk | KamError) -> None:
    """In one rename: the run reads it whole."""
    part = _built_file(place, number).with_suffix(".part")
    part.write_bytes(pickle.dumps(found))
    part.replace(_built_file(place, number))


def _chunk_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.chunk"


def _built_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.built"
