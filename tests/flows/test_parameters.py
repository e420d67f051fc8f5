"""The forms of the deployments: what they say of each parameter, and what they refuse before a run starts."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import httpx
import pytest
from prefect.utilities.schema_tools import validate

from flows.deployments import require_crons
from kam.errors import SettingsError
from kam.site import FEEDS, ListedSite, Site
from tests.flows.server import Server
from tests.support import long

FLOWS = ("ageing", "approve", "backfill", "forecast", "ingest", "monthly_close", "publish", "withdraw")


def form(flow: str) -> dict[str, Any]:
    """The form of a flow, as a deployment sends it to the server."""
    schema: dict[str, Any] = getattr(import_module(f"flows.{flow}"), flow).parameters.model_dump_for_openapi()
    return schema


@pytest.mark.parametrize("flow", FLOWS)
def test_every_parameter_has_a_sentence_in_the_form(flow: str) -> None:
    described = {name: field.get("description", "") for name, field in form(flow)["properties"].items()}

    assert [name for name, text in described.items() if not text.endswith(".")] == []


@pytest.mark.parametrize(
    ("flow", "parameters", "refused"),
    [
        ("monthly_close", {"period": "previous"}, False),
        ("monthly_close", {"period": "2026-10"}, False),
        ("monthly_close", {"period": "2026-13"}, True),
        ("monthly_close", {"period": "October"}, True),
        ("monthly_close", {"period": ""}, True),
        ("backfill", {"first": "2024-01", "last": "2026-10"}, False),
        ("backfill", {"first": "previous", "last": "2026-10"}, True),
        ("backfill", {"first": "2024-01"}, True),
        ("ageing", {"as_of": "previous"}, False),
        ("ageing", {"as_of": "2026-10-31"}, False),
        ("ageing", {"as_of": "31.10.2026"}, True),
        ("forecast", {"period": "2026-10", "model": "theta"}, False),
        ("forecast", {"period": "2026-10", "model": "prophet"}, True),
        ("forecast", {"period": "2026-10", "months": 37}, True),
        ("ingest", {"feed": "orders"}, False),
        ("ingest", {"feed": None}, False),
        ("ingest", {"feed": "order"}, True),
    ],
)
def test_the_form_refuses_what_no_run_could_use(flow: str, parameters: dict[str, Any], *, refused: bool) -> None:
    assert bool(validate({"site": "/srv/books"} | parameters, form(flow))) is refused


def test_what_a_schedule_does_not_say_has_its_default_in_the_code() -> None:
    defaults = {
        flow: {name: field.get("default") for name, field in form(flow)["properties"].items()} for flow in FLOWS
    }

    assert defaults["monthly_close"]["period"] == defaults["ageing"]["as_of"] == "previous"
    assert (defaults["forecast"]["model"], defaults["forecast"]["months"]) == ("seasonal_naive", 12)
    assert form("ingest")["properties"]["feed"]["anyOf"][0]["enum"] == list(FEEDS)


@pytest.mark.parametrize(
    ("listed", "what"),
    [
        (ListedSite("lyon", "/srv/lyon"), "needs a timezone, because its kam.toml was not read"),
        (ListedSite("lyon", "/srv/lyon", "Europe/Paris", close="monthly"), "close: 'monthly' is no cron"),
    ],
)
def test_a_site_is_not_deployed_without_a_schedule_that_can_be_kept(listed: ListedSite, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        require_crons(listed)


@long
@pytest.mark.usefixtures("deployed")
def test_the_server_answers_a_wrong_month_at_once(server: Server, deployed: Site) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        server.start("monthly_close/monthly", site=str(deployed.directory), period="2026-13")

    assert refused.value.response.status_code == httpx.codes.CONFLICT
    assert "'2026-13' does not match" in refused.value.response.text
