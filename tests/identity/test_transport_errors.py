"""What a connection that ends in TLS is called: only a refused certificate is one that is not trusted."""

import socket
import ssl
import threading

import pytest
import requests

from argovx_lab.errors import RemoteError, Unavailable
from argovx_lab.identity.http import NO_ANSWER, transport_error


@pytest.fixture
def closing():
    """A server that says ``answer`` to the first bytes and closes: the handshake never ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answers[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def url(answer):
        answers[:] = [answer]
        return f"https://127.0.0.1:{listener.getsockname()[1]}/"

    yield url
    listener.close()
    thread.join(5)


@pytest.mark.parametrize(
    "answer", [b"", b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 503 busy\r\ncontent-length: 0\r\n\r\n"]
)
def test_a_handshake_that_ends_is_a_broken_connection(closing, answer):
    url = closing(answer)
    with pytest.raises(requests.RequestException) as caught:
        requests.get(url, timeout=5)
    error = transport_error(caught.value, url, "storage")
    assert isinstance(error, Unavailable)
    assert error.reason == NO_ANSWER


def test_a_refused_certificate_is_named():
    inner = ssl.SSLCertVerificationError("self-signed certificate")
    error = transport_error(requests.exceptions.SSLError(inner), "https://h/", "storage")
    assert not isinstance(error, Unavailable)
    assert isinstance(error, RemoteError)
    assert "not trusted" in error.message
