"""What an API server, or a proxy before it, can send: every kind of damage has a name of ours."""

import socketserver
import threading

import pytest

from argovx_lab.cluster.client import Cluster
from argovx_lab.errors import RemoteError, Unavailable

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
"""


@pytest.fixture
def cluster(tmp_path):
    """A client of a server that answers every request with the same bytes and hangs up."""
    servers = []

    def make(answer):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(answer)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = tmp_path / "kubeconfig"
        config.write_text(CONFIG.format(port=server.server_address[1]))
        return Cluster(config, "x", "n")

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_answer_that_breaks_off(cluster):
    made = cluster(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"items":')
    with pytest.raises(Unavailable, match="broke off"):
        made.list_workflows()


def test_a_refusal_that_breaks_off(cluster):
    made = cluster(b"HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\nno")
    with pytest.raises(Unavailable, match="broke off"):
        made.list_workflows()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_object(cluster, body):
    made = cluster(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    with pytest.raises(RemoteError, match="is no object"):
        made.list_workflows()


@pytest.mark.parametrize("line", [b"<html>\n", b"[]\n", b"{}\n"])
def test_a_watch_that_brings_no_event(cluster, line):
    made = cluster(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(line), line))
    with pytest.raises(Unavailable, match="brought no event"):
        list(made.watch_workflows("1"))
