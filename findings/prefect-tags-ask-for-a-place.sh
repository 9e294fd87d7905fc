#!/usr/bin/env bash
# A tagged Prefect task asks the server for a place before it works, and an unanswered question is an error of no
# common kind.
#
# Version:    prefect 3.9.1.
# Surprising: a tag is taken for a label. No limit exists for it, and a task that loses the API elsewhere raises an httpx
#             error or one of prefect.exceptions.
# Behaviour:  for every tagged task the engine posts to concurrency_limits/increment…, limit or no limit. If that gets no
#             answer, as from a server that restarts, prefect.concurrency's ConcurrencySlotAcquisitionError is raised
#             out of the call. Its only base is Exception: neither `except PrefectException` nor `except httpx.HTTPError`
#             catches it. The task's function has not been called.
# Seen:       through a proxy that closes these requests unanswered: without tags the task returns; with a tag
#             ConcurrencySlotAcquisitionError (bases: Exception), and return_state=True raises it as well.
# Instead:    catch it by name where a run should outlive its server, or leave tags to the flow (`with tags(...)` around
#             a flow reaches its tasks, too).
set -euo pipefail
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check prefect==3.9.1 'fastapi<0.151' 'sqlalchemy<2.1'

for name in $(compgen -e | grep '^PREFECT_' || true); do unset "$name"; done
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost DO_NOT_TRACK=1 PREFECT_LOGGING_LEVEL=CRITICAL
export PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_HOME="$work/home" PREFECT_CLIENT_MAX_RETRIES=0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$work/venv/bin/prefect" server start --no-ui --host 127.0.0.1 --port "$port" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 120); do curl -sf "http://127.0.0.1:$port/api/health" >/dev/null && break; sleep 1; done

cat >"$work/run.py" <<'PY'
import http.client
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PORT = int(sys.argv[1])
asked = []


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def passed_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "concurrency_limits/increment" in self.path:
            asked.append(self.path)
            self.close_connection = True
            return
        behind = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = passed_on

    def log_message(self, *_):
        pass


proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
Thread(target=proxy.serve_forever, daemon=True).start()
os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{proxy.server_port}/api"

import httpx
import prefect
from prefect.exceptions import PrefectException

called = []


@prefect.task
def plain():
    return "returned"


@prefect.task(tags=["anything"])
def tagged():
    called.append(1)
    return "returned"


@prefect.flow
def asks():
    def outcome(task):
        try:
            state = task(return_state=True)
            return state.result()
        except Exception as error:
            return error

    return [outcome(plain), outcome(tagged)]


without, with_tag = asks()
print("prefect", prefect.__version__)
print("without tags:", without)
print("with a tag:  ", type(with_tag).__name__, [base.__name__ for base in type(with_tag).__bases__], "asked", len(asked))
if without != "returned" or called:
    sys.exit("changed: the task without tags failed, or the tagged one began")
if type(with_tag).__name__ != "ConcurrencySlotAcquisitionError" or not asked:
    sys.exit("changed: a tagged task doesn't fail for want of a place")
if isinstance(with_tag, (PrefectException, httpx.HTTPError)):
    sys.exit("changed: the error has a common kind")
PY
"$work/venv/bin/python" "$work/run.py" "$port"
