#!/usr/bin/env bash
# s3fs gives up at once when a server answers 429, and asks five times when it answers 503.
#
# Version:    s3fs 2026.9.0, aiobotocore 3.10.0 (retry mode "standard", five attempts).
# Surprising: 429 says "too many requests, come back later", and stores that speak S3 send it where AWS sends
#             503 SlowDown. It's the one status that asks for another try by definition.
# Behaviour:  botocore's standard mode takes 500, 502, 503 and 504 for passing faults, and a list of error codes
#             for throttling. The code is in the body, a HEAD has no body, so its code is the number; 429 is in
#             neither list. s3fs's own retries don't know it either. So `exists`, `info`, `size` and all that begins
#             with them raise OSError for one busy moment. A GET whose body says SlowDown is asked again.
# Seen:       HEAD 429 -> OSError after 1 request; HEAD 503 -> the answer after 2.
# Instead:    catch the OSError and look at `error.__cause__.response["Error"]["Code"] == "429"`, then ask again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check s3fs==2026.9.0 aiobotocore==3.10.0

cat >"$work/look.py" <<'PY'
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import s3fs

asked = []


class Busy(BaseHTTPRequestHandler):
    """Answers the first HEAD of each object with the number that its name begins with."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        name = self.path.rsplit("/", 1)[-1]
        asked.append(name)
        first = asked.count(name) == 1
        self.send_response(int(name.partition("-")[0]) if first else 200)
        self.send_header("Content-Length", "0" if first else "7")
        if not first:
            self.send_header("ETag", '"0"')
            self.send_header("Last-Modified", "Sun, 29 Nov 2026 12:00:00 GMT")
        self.end_headers()

    def do_GET(self):
        body = b'<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
Thread(target=server.serve_forever, daemon=True).start()
store = s3fs.S3FileSystem(
    key="nobody",
    secret="nothing",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    config_kwargs={"retries": {"total_max_attempts": 5, "mode": "standard"}},
    use_listings_cache=False,
)

found = {}
for status in ("503", "429"):
    try:
        found[status] = store.info(f"bucket/{status}-object")["size"]
    except OSError as error:
        found[status] = f"{type(error).__name__}: {error}"
    print(f"HEAD {status}: {found[status]} after {asked.count(f'{status}-object')} request(s)")

if found["503"] != 7 or asked.count("503-object") != 2:
    sys.exit("changed: 503 is no longer asked again once")
if found["429"] == 7 or asked.count("429-object") != 1:
    sys.exit("changed: 429 is asked again")
PY
AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" "$work/look.py"
