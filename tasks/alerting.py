"""Telling people what a run did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam.alerts import Run, news, reason
from kam.close import steps
from kam.site import Site, find_site


@task(task_run_name="alert", cache_policy=NO_CACHE)
def alert(site: str, run: Run) -> None:
    """Send what a run has to tell, and what waits from before."""
    news.tell(find_site(Path(site)), run)


@contextmanager
def writing_and_alerting(place: Site, purpose: str, run: Callable[[], Run]) -> Iterator[None]:
    """A writing session at whose end people are told what `run` says then, also when it ends with an error."""
    began = False
    try:
        with steps.writing_session(place, purpose):
            began = True
            try:
                yield
            except Exception as error:
                _alert(place, replace(run(), stopped=reason(error)))
                raise
            _alert(place, run())
    except Exception as error:
        if not began and not run().terms.dry_run:
            news.tell_unqueued(place, replace(run(), stopped=reason(error)))
        raise


def _alert(place: Site, run: Run) -> None:
    if place.settings.alerts.channels and not run.terms.dry_run:
        alert(str(place.directory), run)
