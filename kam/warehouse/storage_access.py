"""S3-compatible storage: with which key it is reached, and what a person reads when it refuses or does not answer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kam.errors import WarehouseAwayError

KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# As the programs of AWS read them; the first that is set counts.
_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
# What storage that has no regions expects, too.
_USUAL_REGION = "us-east-1"
_ENDPOINT = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
# A wrong key, or no right.
_REFUSED = ("400", "401", "403")
# The bucket is in another region.
_ELSEWHERE = ("301", "307")
_KEPT = "What was committed stays"


@dataclass(frozen=True)
class Access:
    """A key and how the storage is reached; `endpoint` is `https://host` without a user, or empty for the storage of AWS."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    endpoint: str
    certificates: str


def access_to(place: str) -> Access:
    """What the environment says. Raises `WarehouseAwayError`, naming the place, when it has no key."""
    key_id, secret = (os.environ.get(name, "") for name in KEY_VARIABLES)
    if not key_id or not secret:
        message = (
            f"{place}: cannot be reached: the environment variables {' and '.join(KEY_VARIABLES)} are not set. "
            "They hold the key for the storage"
        )
        raise WarehouseAwayError(message)
    try:
        endpoint = _without_user(_first(_ENDPOINT))
    except ValueError:
        raise not_reached(place, f"the address in {_ENDPOINT[1]} is none") from None
    return Access(
        key_id,
        secret,
        os.environ.get("AWS_SESSION_TOKEN", ""),
        _first(_REGION) or _USUAL_REGION,
        endpoint,
        os.environ.get("AWS_CA_BUNDLE", ""),
    )


def not_reached(place: str, reason: str) -> WarehouseAwayError:
    """What is said of storage that does not answer, or not as it should."""
    return WarehouseAwayError(f"{place}: cannot be reached: {reason}. {_KEPT}. Run the command again when it answers")


def refusal(place: str, status: str, reason: str, rights: str) -> WarehouseAwayError:
    """What is said of an answer with an HTTP status that is an error; `rights` are those that the key needs."""
    if "NoSuchBucket" in reason:
        message = f"{place}: there is no such bucket. {_KEPT}. Make it or bring it back, then run the command again"
    elif status in _ELSEWHERE or "region" in reason:
        message = f"{place}: refused: {reason}. AWS_REGION has to be the region of the bucket. {_KEPT}. Run the command again then"
    elif status in _REFUSED:
        needed = f"The key in {KEY_VARIABLES[0]} has to be one of this storage, with the rights to {rights} there"
        message = f"{place}: refused: {reason}. {needed}. {_KEPT}. Run the command again when it has them"
    else:
        return not_reached(place, reason)
    return WarehouseAwayError(message)


def _without_user(endpoint: str) -> str:
    if not endpoint:
        return ""
    place = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path.rstrip('/')}"


def _first(variables: tuple[str, ...]) -> str:
    return next((value for name in variables if (value := os.environ.get(name))), "")
