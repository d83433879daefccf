"""HTTP through the guard, against servers on this machine."""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import threading

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps.core import outbound_http
from apps.core.outbound import BlockedError
from apps.core.outbound_http import guarded_client
from tests.providers.server import Reply, running

NAME = "models.example"


@pytest.fixture
def fresh_pool():
    """No connection of an earlier test, and none of this one for a later."""
    outbound_http._pool.cache_clear()
    yield
    outbound_http._pool().close()
    outbound_http._pool.cache_clear()


@pytest.fixture
def named_here(monkeypatch):
    """Let a name mean this machine, as an operator's own DNS does."""
    plain = socket.getaddrinfo

    def resolved(host, port, *rest, **more):
        return plain("127.0.0.1" if host == NAME else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def test_a_place_that_is_not_allowed_is_never_connected_to(settings):
    with running(lambda _: Reply({})) as (place, sent):
        for scheme in ("http", "https"):
            with pytest.raises(BlockedError):
                guarded_client().get(f"{scheme}://{place}/")

    assert sent == []


def test_the_name_stays_in_host_while_the_checked_address_is_connected_to(
    settings, named_here, fresh_pool
):
    with running(lambda _: Reply({})) as (place, sent):
        named = f"{NAME}:{place.partition(':')[2]}"
        settings.PLAYHEAD_OUTBOUND_ALLOW = [named]
        guarded_client().get(f"http://{named}/v1/models")

    assert sent[0].headers["Host"] == named


def test_a_redirect_is_not_followed(settings, fresh_pool):
    away = Reply({}, 307, {"Location": "http://169.254.169.254/latest/"})
    with running(lambda _: away) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        answer = guarded_client().get(f"http://{place}/")

    assert (answer.status_code, len(sent)) == (307, 1)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_larger_than_the_limit_is_not_read_to_its_end(settings, fresh_pool, packed):
    body, headers = b" " * (2 * 1024 * 1024), {}
    if packed:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    with running(lambda _: Reply(body, headers=headers)) as (place, _):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        with pytest.raises(httpx2.DecodingError, match="larger than 1 MiB"):
            guarded_client(mebibytes=1).get(f"http://{place}/")


def test_a_packed_answer_is_unpacked(settings, fresh_pool):
    reply = Reply(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    with running(lambda _: reply) as (place, _):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]

        assert guarded_client().get(f"http://{place}/").json() == {"a": 1}


def test_a_server_that_sends_a_byte_now_and_then_holds_nobody(settings, fresh_pool):
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()
    threading.Thread(target=_drip, args=(listener, stopped), daemon=True).start()
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    settings.PLAYHEAD_OUTBOUND_ALLOW = [place]

    with pytest.raises(httpx2.TimeoutException):
        guarded_client(seconds=0.3).get(f"http://{place}/")

    stopped.set()
    listener.close()


def _drip(listener: socket.socket, stopped: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stopped.wait(0.05):
            try:
                connection.sendall(b".")
            except OSError:
                return


def test_proxies_cookies_and_passwords_of_the_environment_are_not_used(
    settings, fresh_pool, monkeypatch, tmp_path
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login admin password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with running(lambda _: Reply({}, headers={"Set-Cookie": "a=b"})) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        for _ in range(2):
            guarded_client().get(f"http://{place}/")

    assert [set(one.headers) & {"Authorization", "Cookie"} for one in sent] == [set(), set()]


def test_tls_is_spoken_to_the_name_and_its_certificate_is_checked(
    settings, named_here, fresh_pool, monkeypatch, tmp_path
):
    certificate = _certificate(tmp_path, NAME)
    names: list[str | None] = []
    listener = _tls_server(certificate, names)
    named = f"{NAME}:{listener.getsockname()[1]}"
    settings.PLAYHEAD_OUTBOUND_ALLOW = [named]

    with pytest.raises(httpx2.ConnectError):
        guarded_client().get(f"https://{named}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    outbound_http._pool.cache_clear()
    answer = guarded_client().get(f"https://{named}/")

    assert (answer.status_code, names) == (204, [NAME, NAME])
    listener.close()


def _certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    day = datetime.datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day.replace(year=2126))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "server.pem"
    secret = key.private_bytes(*form, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def _tls_server(certificate, names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(65536)
                    wrapped.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener
