"""The floor of the sandbox's benchmark: hypercorn that answers the same bytes, and looks at nothing.

A gigabyte that comes is dropped, one that goes is zeros: ``bare_sandbox PORT CERTIFICATE KEY BODY``.
"""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

body = b""


async def app(scope, receive, send):
    """Answer one request."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    grpc = dict(scope["headers"]).get(b"content-type") == b"application/grpc"
    if scope["path"] == "/gigabyte" and scope["method"] == "GET":
        size = 1024 * 1024
        headers = [(b"content-length", b"1000000000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        left, part = 10**9, bytes(size)
        while left:
            part = part[:left]
            left -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": left > 0})
        return
    kind = b"application/grpc" if grpc else b"application/json"
    answer = b"\0" + len(body).to_bytes(4, "big") + body if grpc else body
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
    await send({**start, "trailers": grpc})
    await send({"type": "http.response.body", "body": answer})
    if grpc:
        await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]})


def main(port, certificate, key):
    """Serve until the process ends."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = certificate, key
    config.loglevel = "ERROR"
    config.keep_alive_timeout = 3600
    config.keep_alive_max_requests = 10**9
    asyncio.run(serve(app, config))


class Bare:
    """The bare server, with a certificate of its own."""

    def __init__(self, folder, body):
        self.folder, self.body = Path(folder), body

    def __enter__(self):
        import trustme

        ca = trustme.CA()
        made = ca.issue_cert("127.0.0.1", "localhost")
        for name, part in (("bare-ca", ca.cert_pem), ("bare-key", made.private_key_pem)):
            part.write_to_path(self.folder / f"{name}.pem")
        made.cert_chain_pems[0].write_to_path(self.folder / "bare-cert.pem")
        (self.folder / "bare-body").write_bytes(self.body)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        files = [str(self.folder / name) for name in ("bare-cert.pem", "bare-key.pem", "bare-body")]
        command = [sys.executable, "-m", "benchmarks.bare_sandbox", str(port), *files]
        # a session of its own as the sandbox has: Linux shares CPU time out between sessions; under load a
        # server of its client's session answers several times as fast as one beside it
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.base, self.ca = f"https://127.0.0.1:{port}", str(self.folder / "bare-ca.pem")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


if __name__ == "__main__":
    body = Path(sys.argv[4]).read_bytes()
    main(*sys.argv[1:4])
