"""A proxy before an S3 server that loses answers, says it is busy, or sends everybody away."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

PASS, LOSE_ANSWER, CUT_ANSWER, RESET, STALL = "pass", "lose", "cut", "reset", "stall"
STALL_SECONDS = 3.0  # longer than the client waits
# What the proxy does with a request, by its method and path: one of the above, or an S3 error code.
Fault = Callable[[str, str], str]
_STATUS = {
    "SlowDown": 503,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ConditionalRequestConflict": 409,
}


@contextmanager
def faulty(endpoint: str, fault: Fault) -> Iterator[str]:
    """A server at the URL given, which passes requests on to `endpoint` but for its faults."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            what = fault(self.command, self.path)
            if what in (RESET, STALL):  # the server never hears of it
                time.sleep(STALL_SECONDS if what == STALL else 0)
                self.close_connection = True
                return
            if what not in (PASS, LOSE_ANSWER, CUT_ANSWER):
                self.say(_STATUS.get(what, 403), {"Content-Type": "application/xml"}, error(what))
                return
            status, headers, data = forwarded(endpoint, self, body)
            if what == LOSE_ANSWER:
                self.close_connection = True
            elif what == CUT_ANSWER:
                self.say(status, headers, data[: len(data) // 2], claimed=len(data))
                self.close_connection = True
            else:
                self.say(status, headers, data)

        def say(self, status: int, headers: dict, data: bytes, claimed: int | None = None) -> None:
            self.send_response(status)
            length = str(len(data) if claimed is None else claimed)
            for name, value in {"Content-Length": length, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

        do_GET = do_PUT = do_HEAD = do_POST = do_PATCH = do_DELETE = answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def endpoint_at(url: str) -> Iterator[None]:
    """From now on S3 is there, for this process and its children."""
    from s3fs import S3FileSystem

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        # An instance keeps the endpoint that it was made with.
        S3FileSystem.clear_instance_cache()
        yield
    S3FileSystem.clear_instance_cache()


def forwarded(endpoint: str, request: BaseHTTPRequestHandler, body: bytes):
    """(status, headers, data) of the server behind."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    headers = {name: value for name, value in request.headers.items() if name != "Expect"}
    connection.request(request.command, request.path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    dropped = ("connection", "transfer-encoding", "date", "server")
    if request.command != "HEAD":
        dropped += ("content-length",)
    kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
    return answer.status, kept, data


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>as the test asked</Message></Error>".encode()
