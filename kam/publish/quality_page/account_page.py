"""The name of an account's page in the close pack: whatever links to one takes it from here."""

from __future__ import annotations

import hashlib
import re


def account_page(account_id: str) -> str:
    """Letters and digits of the account, and a hash, so that two accounts never share one: `k0001-1f2e3d4c.html`."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", account_id)[:40].strip("-").lower()
    return f"{readable}-{hashlib.sha256(account_id.encode()).hexdigest()[:8]}.html"
