"""A writing session that sends the alerts of its run at the end, however the run ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kam.alerts import news
from kam.alerts.findings import reason
from kam.close import Run, steps
from kam.site import Site


@contextmanager
def writing_and_telling(site: Site, run: Run, tell: Callable[[Site, Run], object] = news.tell) -> Iterator[None]:
    """Hold the right to write during `run`, then send its alerts; processes that wait show its name."""
    began = False
    try:
        with steps.writing_session(site, run.name):
            began = True
            try:
                yield
            except Exception as error:
                run.stopped = reason(error)
                _tell_if_anybody(site, run, tell)
                raise
            else:
                _tell_if_anybody(site, run, tell)
    except Exception as error:
        if not began:
            run.stopped = reason(error)
            news.tell_unqueued(site, run)
        raise


def _tell_if_anybody(site: Site, run: Run, tell: Callable[[Site, Run], object]) -> None:
    if site.settings.alerts.channels:
        tell(site, run)
