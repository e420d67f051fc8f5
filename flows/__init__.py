"""Prefect flows, one file a flow.

A run reads `kam.toml` once: the flow opens its site with `site_of_run` and hands it on, so that an edit meanwhile cannot
mix two settings.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.runtime import deployment, flow_run

from kam import timing
from kam.errors import KamError, SettingsError, WrongIdentityError
from kam.report import Ending, failed
from kam.site import Site, find_site
from kam.stops import heard
from tasks.running import state

__all__ = ["handing_over", "named", "site_of_run", "told"]

P = ParamSpec("P")
R = TypeVar("R")
DID_NOT_BEGIN = "Did not begin"
_handed_over: ContextVar[Site | None] = ContextVar("handed_over", default=None)


class _WithoutTraces(logging.Filter):
    """An error of ours says in its text what happened, where and what to do; Prefect would add a hundred lines of code."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback of an error of ours away."""
        if record.exc_info and isinstance(record.exc_info[1], KamError):
            record.exc_info = None
        return True


# Prefect takes our progress lines into the run's log, but not those below the root logger's level, WARNING.
logging.getLogger("kam").setLevel(logging.INFO)
for _logger in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_logger).addFilter(_WithoutTraces())


@contextmanager
def handing_over(site: Site) -> Iterator[None]:
    """Flows that are called here take this site as it was read, such as by the command line."""
    token = _handed_over.set(site)
    try:
        yield
    finally:
        _handed_over.reset(token)


def site_of_run(site: str) -> Site:
    """The site of the current flow run, read at the first call."""
    given = _handed_over.get()
    if given is not None and str(given.directory) == site:
        return given
    return _read(site, flow_run.id)


def named(what: Callable[[Site], str]) -> Callable[[], str]:
    """The name of a run: its site, and what it does there, such as `leipzig: close 2026-10`.

    A site that cannot be read, or a parameter that is wrong, is told by the run and not by its name.
    """

    def name() -> str:
        folder = str(flow_run.parameters["site"])
        try:
            site = site_of_run(folder)
            return f"{site.settings.site.name}: {what(site)}"
        except KamError:
            return f"{Path(folder).name}: {flow_run.flow_name}"

    return name


def told(flow: Callable[P, R]) -> Callable[P, R]:
    """The flow, whose errors of ours end it in a state that tells them by name, without a traceback.

    A run that could not read its site, and so could not send its own alerts either, ends as `Did not begin`
    (`automations.yaml`).
    """

    @functools.wraps(flow)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        began = False
        try:
            with heard(), timing.named(str(flow_run.id)):
                site_of_run(str(flow_run.parameters["site"]))
                began = True
                return flow(*args, **kwargs)
        except KamError as error:
            lost_its_channels = isinstance(error, SettingsError) and str(error).startswith("kam.toml: alerts.")
            ended = failed(error)
            if lost_its_channels or not (began or isinstance(error, WrongIdentityError)):
                ended = Ending(DID_NOT_BEGIN, f"{DID_NOT_BEGIN}: {error}", failed=True)
            return cast("R", state(ended, error))

    # Prefect reads types where the function stands, and this one stands here.
    run.__annotations__ = inspect.get_annotations(flow, eval_str=True)
    setattr(run, "__signature__", inspect.signature(flow, eval_str=True))  # noqa: B010 - not declared for functions
    return run


@lru_cache(maxsize=1)
def _read(site: str, _run: str | None) -> Site:
    opened = find_site(Path(site))
    return Site(opened.directory, opened.settings, _identity())


def _identity() -> str:
    """In whose name a run acts: what its deployment says. Raises `WrongIdentityError` for a run that says otherwise.

    Whoever starts a run could type any name, so only the definition of the deployment counts.
    """
    given = str(flow_run.parameters.get("identity") or "")
    if not given and not deployment.id:
        return ""
    said = ""
    if deployment.id:
        with get_client(sync_client=True) as client:
            said = str(client.read_deployment(UUID(deployment.id)).parameters.get("identity") or "")
    if given != said:
        sets = f"the deployment of this run sets {said!r}" if said else "no deployment sets one for this run"
        message = (
            f"identity: {given!r} was given, and {sets}. Leave it as it is, or start the deployment of that person"
        )
        raise WrongIdentityError(message)
    return said
