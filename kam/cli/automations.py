"""Apply `automations.yaml` to the Prefect server of PREFECT_API_URL: messages about runs that crashed or are late.

KAM_ALERT_URL is an Apprise URL. Prefect keeps it, encrypted, in a notification block. Apply the file again after it or
the address changed: `prefect automation create` only adds, so the earlier automations are deleted afterwards.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import yaml
from prefect.blocks.abstract import NotificationError
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from pydantic import SecretStr

from kam.errors import KamError

FILE = Path(__file__).resolve().parents[2] / "automations.yaml"
ADDRESS_VARIABLE = "KAM_ALERT_URL"
BLOCK = "kam-close"
PLACEHOLDER = "ALERT_BLOCK"


def apply() -> None:
    """Send a first message, keep its address on the server, and replace the automations of the file.

    Raises `KamError` when there is no address or no server, when a message cannot be sent, or when Prefect refuses the file.
    """
    address, server = os.environ.get(ADDRESS_VARIABLE), PREFECT_API_URL.value()
    if not server:
        message = (
            "PREFECT_API_URL is not set. Set it to the address of the Prefect server, such as http://127.0.0.1:4200/api"
        )
        raise KamError(message)
    if not address:
        message = f"{ADDRESS_VARIABLE} is not set. Set it to the Apprise URL that messages go to, such as mailtos://user:password@example.com"
        raise KamError(message)
    if not FILE.is_file():
        message = f"{FILE} is not in this folder. Run this in a checkout of kam-close, where prefect.yaml is"
        raise KamError(message)
    text = FILE.read_text(encoding="utf-8")
    names = [automation["name"] for automation in yaml.safe_load(text)["automations"]]
    try:
        with get_client(sync_client=True) as client:
            earlier = [found.id for name in names for found in client.read_automations_by_name(name)]
            _create(text.replace(PLACEHOLDER, _block(address, server)))
            for automation in earlier:
                client.delete_automation(automation)
    except httpx.TransportError as error:
        message = f"{server} does not answer ({error}). Is the Prefect server running?"
        raise KamError(message) from None
    except httpx.HTTPStatusError as error:
        answer = f"{error.response.status_code} {error.response.reason_phrase}"
        message = f"{server} answered {answer}. Is it a Prefect server, and is PREFECT_API_AUTH_STRING its password?"
        raise KamError(message) from None


def _block(address: str, server: str) -> str:
    """Keep the address in a block of the server, after a message has arrived there; the block's id."""
    # Apprise logs an address that it does not understand, and there may be a password in it.
    logging.getLogger("apprise").disabled = True
    # Of the blocks that every server knows, this one passes any address to Apprise unchanged.
    block = SlackWebhook(url=SecretStr(address), notify_type="failure")
    try:
        with block.raise_on_failure():
            block.notify(f"Messages about crashed and late runs of {server} come here.", "kam-close: a first message")
    except NotificationError:
        message = f"No message could be sent to the address in {ADDRESS_VARIABLE}. Is it a valid Apprise URL, and can it be reached from here?"
        raise KamError(message) from None
    return str(block.save(BLOCK, overwrite=True))


def _create(automations: str) -> None:
    """Hand the file to Prefect's own command, which prints what it created or why not."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE.name
        file.write_text(automations, encoding="utf-8")
        command = [sys.executable, "-m", "prefect", "--no-prompt", "automation", "create", "--from-file", str(file)]
        created = subprocess.run(command, check=False)  # noqa: S603 - our own words and a file of ours
    if created.returncode:
        message = f"Prefect did not accept {FILE}. The existing automations are unchanged"
        raise KamError(message)
