"""Storage with the interface of S3 for a test session: moto's server in a process of its own, on a free port of this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import requests

_ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "administrator", "AWS_SECRET_ACCESS_KEY": "Canary-8"}
_REGION = "us-east-1"
# What it stores is kept while it does not answer: the process goes on.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
for command in sys.stdin:
    if command == "start\\n":
        server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
        server.start()
    else:
        server.stop()
    print("done", flush=True)
"""


class ObjectStorage:
    """A running server; each test takes a bucket of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process, self.url = process, f"http://127.0.0.1:{port}"
        self.buckets = self.users = 0

    def start(self) -> None:
        """Answer on the same port, with what was stored before."""
        self._say("start")

    def stop(self) -> None:
        """Do not answer any more."""
        self._say("stop")

    def _say(self, command: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def client(self, service: str = "s3") -> Any:
        """A client of the library of AWS, who may do everything as long as rights are not looked at."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=_REGION,
            aws_access_key_id=_ADMINISTRATOR["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"],
        )

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        self.buckets += 1
        self.client().create_bucket(Bucket=f"books{self.buckets}")
        return f"books{self.buckets}"

    def files(self, bucket: str) -> list[str]:
        """What is in a bucket."""
        return [found["Key"] for found in self.client().list_objects_v2(Bucket=bucket).get("Contents", [])]

    def variables(self, **others: str) -> Mapping[str, str]:
        """The environment with which it is reached, by the administrator unless another key is named."""
        return {**_ADMINISTRATOR, "AWS_REGION": _REGION, "AWS_ENDPOINT_URL": self.url, **others}

    def user_who_may(self, actions: Sequence[str]) -> Mapping[str, str]:
        """The key of a new user, who may do only this."""
        self.users += 1
        people, name = self.client("iam"), f"user{self.users}"
        people.create_user(UserName=name)
        rights = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        people.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
        key = people.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def look_at_rights(self, *, wanted: bool) -> None:
        """Refuse what a key may not do, from now on or no longer."""
        free_of_charge = b"0" if wanted else b"inf"
        headers = {"Content-Type": "text/plain"}
        requests.post(f"{self.url}/moto-api/reset-auth", free_of_charge, headers=headers, timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def object_storage() -> Iterator[ObjectStorage]:
    """A server that ends with the session."""
    pytest.importorskip("moto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-c", _SERVER, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        storage = ObjectStorage(process, port)
        try:
            storage.start()
            yield storage
        finally:
            process.kill()
