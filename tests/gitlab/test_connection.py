"""Trust, proxies and settings of the connection."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mlops_tui.domain.errors import ConfigError, UnreachableError, UnreadableAnswerError
from mlops_tui.gitlab.connection import ConnectionOptions
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.transport import Transport
from tests.gitlab.scripted import PassingClock, Reply, ScriptedServer, in_turn, options, transport_to


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for localhost that nobody trusts, made here and now."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("authority")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@contextmanager
def encrypted(key: Path, certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_certificate_nobody_signed_is_refused_once_and_explained(authority: tuple[Path, Path]) -> None:
    clock = PassingClock()
    with encrypted(*authority) as url:
        async with transport_to(url, clock=clock) as transport:
            with pytest.raises(UnreachableError, match="is not trusted") as caught:
                await transport.get("/api/v4/user")
    assert "ca_bundle" in caught.value.remedy
    assert clock.waits == []


async def test_an_authority_of_ones_own_is_trusted(authority: tuple[Path, Path]) -> None:
    trusting = ConnectionOptions(ca_bundle=authority[1])
    with encrypted(*authority) as url:
        async with transport_to(url, connection=trusting) as transport:
            assert (await transport.get("/api/v4/user")).json() == {}


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_a_setting_gone_wrong(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match="ca_bundle"):
        transport_to("https://gl.example", connection=ConnectionOptions(ca_bundle=file))


async def test_a_proxy_is_asked_in_the_hosts_place() -> None:
    with ScriptedServer(in_turn(Reply(body={"via": "proxy"}))) as proxy:
        through = options(connection=ConnectionOptions(proxy=proxy.url))
        host = Host.parse("http://gitlab.invalid")
        async with Transport(host, None, clock=PassingClock(), options=through) as transport:
            assert (await transport.get("/api/v4/projects")).json() == {"via": "proxy"}
    assert proxy.seen[0].headers["host"] == "gitlab.invalid"


@pytest.mark.parametrize("proxy", ["ftp://proxy.example", "proxy.example", "socks5://proxy.example:1080"])
def test_a_proxy_that_cannot_be_used_is_a_setting_gone_wrong(proxy: str) -> None:
    with pytest.raises(ConfigError, match="proxy"):
        transport_to("https://gl.example", connection=ConnectionOptions(proxy=proxy))


async def test_the_environments_proxy_does_not_stand_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with ScriptedServer(in_turn(Reply())) as server:
        async with transport_to(server.url) as transport:
            assert (await transport.get("/api/v4/user")).status == 200


async def test_cookies_are_not_kept() -> None:
    with ScriptedServer(in_turn(Reply(headers={"set-cookie": "_gitlab_session=abc; path=/"}))) as server:
        async with transport_to(server.url) as transport:
            await transport.get("/api/v4/user")
            await transport.get("/api/v4/user")
    assert "cookie" not in server.seen[1].headers


async def test_a_damaged_compression_is_named() -> None:
    with ScriptedServer(in_turn(Reply(200, b"not gzip", {"content-encoding": "gzip"}))) as server:
        async with transport_to(server.url) as transport:
            with pytest.raises(UnreadableAnswerError, match="compression cannot be undone"):
                await transport.get("/api/v4/user")
