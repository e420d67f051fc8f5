"""Files in S3-compatible storage, for what DuckDB does not read or write itself."""

from __future__ import annotations

import base64
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from kam.errors import KamError
from kam.stops import check
from kam.warehouse.lake_catalog import MISSING
from kam.warehouse.storage_access import Access, access_to, not_reached, refusal

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

_AT_ONCE = 8
# Smaller files are uploaded in one request, with their hash; larger ones in parts of this size.
_PART = 64 << 20
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 10, 30, 4
_RIGHTS = "list, read and write"
_NOT_THERE = ("NoSuchKey", "404", "NotFound")
# There is such a file, or somebody is writing one at this moment.
_TAKEN = ("412", "409")
_IN_WORDS = {
    "EndpointConnectionError": "Could not connect to server",
    "ConnectTimeoutError": "no answer in time",
    "ReadTimeoutError": "no answer in time",
    "ConnectionClosedError": "the connection was closed",
    "SSLError": "its certificate is not trusted, or it does not speak TLS",
}
_LONGEST_REASON = 200
Item = TypeVar("Item")
Result = TypeVar("Result")


class Objects:
    """The files below a place such as `s3://books/archive`, by their names below it.

    All that the storage refuses or does not answer is a `WarehouseAwayError`.
    """

    def __init__(self, place: str) -> None:
        """Nothing is asked of the storage yet."""
        self.place = place
        self._bucket, _, folder = place.removeprefix("s3://").rstrip("/").partition("/")
        self._folder = folder and f"{folder}/"

    def names(self, after: str = "") -> Iterator[tuple[str, int]]:
        """The names that come after one in the order of their letters, with the sizes in bytes; asked for as they are taken."""
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._folder}
        if after:
            wanted["StartAfter"] = self._folder + after
        while True:
            with self._client() as client:
                found = client.list_objects_v2(**wanted)
            for one in found.get("Contents", ()):
                yield one["Key"].removeprefix(self._folder), one["Size"]
            if not found.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = found["NextContinuationToken"]

    def read(self, name: str) -> bytes | None:
        """The bytes of a small file; None when it is not there."""
        with self._client() as client:
            found = self._or_none(client.get_object, name)
            return None if found is None else bytes(found["Body"].read())

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        with self._client() as client:
            found = self._or_none(client.head_object, name)
        return None if found is None else int(found["ContentLength"])

    def add(self, name: str, content: bytes) -> bool:
        """Write a small file, unless there is one of this name; whether it was written."""
        with self._client() as client:
            from botocore.exceptions import ClientError

            try:
                client.put_object(Bucket=self._bucket, Key=self._folder + name, Body=content, IfNoneMatch="*")
            except ClientError as error:
                if _status(error) not in _TAKEN:
                    raise
                return False
        return True

    def upload(self, name: str, file: Path, sha256: str) -> None:
        """Write a file of any size, in place of one of this name; the storage compares the hash of what it got, or we its size."""
        with self._client() as client, file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            where = {"Bucket": self._bucket, "Key": self._folder + name}
            if size <= _PART:
                digest = base64.b64encode(bytes.fromhex(sha256)).decode()
                client.put_object(**where, Body=stream, ChecksumSHA256=digest)
                return
            client.upload_fileobj(stream, **where, Config=_in_parts())
        if self.size(name) != size:
            raise not_reached(self.place, f"{name} did not arrive whole")

    def download(self, name: str, file: Path) -> bool:
        """Write a file of the storage into one that may not be there yet; False when the storage does not have it."""
        with self._client() as client, file.open("wb") as stream:
            from botocore.exceptions import ClientError

            try:
                client.download_fileobj(self._bucket, self._folder + name, stream, Config=_in_parts())
            except ClientError as error:
                if _code(error) not in _NOT_THERE:
                    raise
                return False
            stream.flush()
            os.fsync(stream.fileno())
        return True

    def _or_none(self, request: Callable[..., dict[str, Any]], name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            return request(Bucket=self._bucket, Key=self._folder + name)
        except ClientError as error:
            if _code(error) not in _NOT_THERE:
                raise
            return None

    @contextmanager
    def _client(self) -> Iterator[BaseClient]:
        """The client of the storage; its errors are told as a person reads them, without what the key is."""
        check()
        try:
            client = _client_of(access_to(self.place))
        except ValueError as error:  # an address that is none
            raise not_reached(self.place, _in_words(error)) from None
        from botocore.exceptions import BotoCoreError, ClientError
        from s3transfer.exceptions import RetriesExceededError

        try:
            yield client
        except ClientError as error:
            raise refusal(self.place, _status(error), _reason(error), _RIGHTS) from None
        except RetriesExceededError as error:
            raise not_reached(self.place, _in_words(error.last_exception)) from None
        except BotoCoreError as error:
            raise not_reached(self.place, _in_words(error)) from None


def at_once(do: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What a request gives for each of these, several at a time. The first that fails, or a signal, ends all.

    Nobody waits for those that are on their way then, also not the end of the process, as it would for a pool of threads: a storage
    that says nothing would keep them for minutes.
    """
    done: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()
    left, is_over = deque(enumerate(items)), Event()

    def work() -> None:
        with suppress(IndexError):
            while not is_over.is_set():
                number, item = left.popleft()
                try:
                    done.put((number, do(item), None))
                except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                    done.put((number, None, error))

    for _ in range(min(_AT_ONCE, len(items))):
        Thread(target=work, daemon=True).start()
    found: dict[int, Any] = {}
    try:
        for _ in items:
            number, result, error = done.get()
            if error is not None:
                raise error
            found[number] = result
    finally:
        is_over.set()
    return [found[number] for number in range(len(items))]


@lru_cache(maxsize=4)
def _client_of(access: Access) -> BaseClient:
    """A client with this key and nothing else: no profile, no role of the machine. Threads may share it."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.session import Session
    except ImportError:
        raise KamError(MISSING) from None
    nowhere = (None, None, os.devnull, None)
    session = Session(
        {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere},
    )
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=2 * _AT_ONCE,
        s3={"addressing_style": "path" if access.endpoint else "auto"},
        # Others than AWS may not know the checksums that AWS expects by default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session(botocore_session=session).client(
        "s3",
        aws_access_key_id=access.key_id,
        aws_secret_access_key=access.secret,
        aws_session_token=access.token or None,
        region_name=access.region,
        endpoint_url=access.endpoint or None,
        verify=access.certificates or None,
        config=config,
    )


def _in_parts() -> TransferConfig:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> str:
    return str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def _reason(error: ClientError) -> str:
    """Such as `AccessDenied: Access Denied`; an answer without a text has only its status."""
    code, said = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    if not code or code.isdigit():
        return f"HTTP {_status(error)}"
    return f"{code}: {_harmless(said)}"


def _in_words(error: BaseException) -> str:
    name = type(error).__name__
    return _IN_WORDS.get(name) or f"{name}: {_harmless(str(error))}"


def _harmless(text: str) -> str:
    """The first sentence of a text of the storage or its library, without addresses, which may have a password."""
    line = text.splitlines()[0] if text else ""
    return re.sub(r"\w+://\S+", "…", line).partition(". ")[0].rstrip(".")[:_LONGEST_REASON]
