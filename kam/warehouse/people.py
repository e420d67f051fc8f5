"""Who runs this process: what the operating system says, and whom the deployment of a Prefect server names."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from kam.site import Site


@dataclass(frozen=True)
class Person:
    """The user of the process with its number, and the identity that a deployment passes; empty without one."""

    user: str
    uid: int
    identity: str = ""

    @property
    def name(self) -> str:
        """Who decides: the identity that was passed, else the user of the process."""
        return self.identity or self.user

    def __str__(self) -> str:
        """The name, and the user of the process where that is another one."""
        return f"{self.identity} (run by {self.user})" if self.identity else self.user

    def columns(self, did: str) -> dict[str, object]:
        """As the ledgers have it: `approved_by`, `approved_uid` and `approved_identity` for `approved`."""
        return {f"{did}_by": self.user, f"{did}_uid": self.uid, f"{did}_identity": self.identity or None}


def acting(site: Site) -> Person:
    """Who acts on a site in this process. Asked of the operating system: variables such as USER can be set to any name."""
    return Person(user_name(), os.getuid(), site.identity)


def user_name() -> str:
    """The user of this process, for the ledgers and for those who wait."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container user without a name
        return f"user {uid}"
