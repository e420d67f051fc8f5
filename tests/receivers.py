"""Real receivers of messages on the loopback: a mail server and a web server, which keep what they get."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Mailbox:
    """What a mail server got, as it came over the wire; `refuses` is what it answers a login with."""

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuses: str = ""

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails, read as a mail program reads them."""
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw]  # type: ignore[misc]


@dataclass
class Hook:
    """What a web server got: path and body of each request. `status` is what it answers, `headers` word for word."""

    port: int = 0
    paths: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    status: int = 200
    headers: bytes = b""

    @property
    def payloads(self) -> list[Any]:
        """The bodies as JSON."""
        return [json.loads(body) for body in self.bodies]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server that takes every mail."""
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline():
                word = line.decode().split(None, 1)[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    box.raw.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self._say("250 kept")
                elif word == "AUTH":
                    box.logins.append(base64.b64decode(line.split()[-1]).decode())
                    self._say(box.refuses or "235 welcome")
                else:
                    self._say("250-here\r\n250 AUTH PLAIN" if word == "EHLO" else "250 yes")

        def _say(self, answer: str) -> None:
            self.wfile.write(f"{answer}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as port:
        box.port = port
        yield box


@contextmanager
def web_server(certificate: Path | None = None) -> Iterator[Hook]:
    """A web server that takes every POST; over TLS with a certificate."""
    hook = Hook()

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.paths.append(self.path)
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.wfile.write(f"HTTP/1.0 {hook.status} so\r\n".encode() + hook.headers + b"Content-Length: 2\r\n\r\nok")

        def log_message(self, *_: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _serving(server) as port:
        hook.port = port
        yield hook


@dataclass
class Collector:
    """What a collector of traces got: the spans with their service, and the headers of each request."""

    port: int = 0
    spans: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def trace_collector() -> Iterator[Collector]:
    """A collector that takes spans as OTLP over HTTP."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = Collector()

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = ExportTraceServiceRequest.FromString(body)
            found.headers.append({name.lower(): value for name, value in self.headers.items()} | {"path": self.path})
            for resource in sent.resource_spans:
                (service,) = (at.value.string_value for at in resource.resource.attributes if at.key == "service.name")
                found.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
            self.wfile.write(b"HTTP/1.0 200 so\r\nContent-Length: 0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            """Nothing on the console."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Request)) as port:
        found.port = port
        yield found


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def dead_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def certificate(folder: Path) -> Path:
    """A certificate for the loopback with its key, signed by nobody."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "loopback")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1))
        .not_valid_after(dt.datetime(2100, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "loopback.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
