#!/usr/bin/env bash
# A download that is cut every few megabytes never gets on: huggingface_hub keeps what arrived by whole pieces of 10 MiB.
#
# Version:    huggingface_hub 2.4.0, its plain HTTP download (without hf_xet).
# Surprising: http_get asks for the rest with a Range header after a cut, so that four connections of 9 MB should bring a
#             file of 30 MB.
# Behaviour:  the answer is read in pieces of 10 MiB, and a piece that a cut leaves unfinished is thrown away. If every
#             connection ends before the first piece is whole, each retry asks from byte 0 again, until retries are spent.
# Seen:       six requests, all from byte 0: 54 MB sent, none kept, and an error. With connections that end after 12 MB the
#             same file arrives in three, from bytes 0, 10,485,760 and 20,971,520.
# Instead:    behind a proxy that cuts early, download in ranges of your own, or let a tool with smaller pieces do it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check huggingface_hub==2.4.0
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1

cat >"$work/run.py" <<'PY'
import io
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from huggingface_hub.file_download import http_get

SIZE = 30_000_000
asked: list[int] = []


class Cut(BaseHTTPRequestHandler):
    most = 0

    def log_message(self, *_words: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        asked.append(first)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(SIZE - first))
        self.end_headers()
        self.wfile.write(bytes(min(self.most, SIZE - first)))
        self.close_connection = True


server = ThreadingHTTPServer(("127.0.0.1", 0), Cut)
Thread(target=server.serve_forever, daemon=True).start()


def download(most: int) -> tuple[list[int], int, str]:
    """From which bytes it asked, how many it kept, and the name of its error."""
    asked.clear()
    Cut.most, file, error = most, io.BytesIO(), ""
    try:
        http_get(f"http://127.0.0.1:{server.server_port}/x", file, expected_size=SIZE)
    except Exception as raised:
        error = type(raised).__name__
    return list(asked), len(file.getvalue()), error


short, longer = download(9_000_000), download(12_000_000)
print("cut after 9 MB: ", *short)
print("cut after 12 MB:", *longer)
assert set(short[0]) == {0} and len(short[0]) > 2 and short[1] == 0 and short[2], short
assert longer[1] == SIZE and not longer[2] and len(longer[0]) <= 4, longer
sys.exit()
PY
"$work/venv/bin/python" "$work/run.py"
echo "As described: what doesn't fill a piece of 10 MiB is asked for again."
