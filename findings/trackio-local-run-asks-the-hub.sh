#!/usr/bin/env bash
# A trackio run that is local asks the Hugging Face Hub who you are.
#
# Version:    trackio 0.42.0 with huggingface_hub 1.x.
# Surprising: `trackio.init(project=…)` without a Space is said to be local: rows go to a SQLite file of this machine.
# Behaviour:  with a token in reach (HF_TOKEN or the one of `hf auth login`), the run asks the Hub for the account's name
#             and sends the token with the question.
# Seen:       one GET of /api/whoami-v2 with the token, on a Hub of this script's own (HF_ENDPOINT). With HF_HUB_OFFLINE=1
#             none, and the run is the same.
# Instead:    HF_HUB_OFFLINE=1 for the process that logs, where nothing may leave the machine.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check trackio==0.42.0
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

cat >"$work/hub.py" <<'PY'
"""A Hub that knows one account, and writes down what it was asked."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub(BaseHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        with open(sys.argv[1], "a") as file:
            print(self.path, "token" if "Authorization" in self.headers else "no token", file=file)
        body = json.dumps({"type": "user", "name": "ada", "orgs": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >"$work/run.py" <<'PY'
import trackio

run = trackio.init(project="local", name="one")
trackio.log({"loss": 0.5})
trackio.finish()
PY

touch "$work/asked"
"$work/venv/bin/python" "$work/hub.py" "$work/asked" >"$work/port" &
hub=$!
trap 'kill "$hub"; rm -rf "$work"' EXIT
until [ -s "$work/port" ]; do sleep 0.1; done

local_run() {
    : >"$work/asked"
    env "$@" HF_HOME="$work/hf" HF_ENDPOINT="http://127.0.0.1:$(cat "$work/port")" HF_TOKEN=hf_of_nobody \
        HF_HUB_DISABLE_TELEMETRY=1 GRADIO_ANALYTICS_ENABLED=False TRACKIO_DIR="$work/rows" \
        "$work/venv/bin/python" "$work/run.py" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
    sort -u "$work/asked"
}
plain=$(local_run)
offline=$(local_run HF_HUB_OFFLINE=1)
echo "asked by a local run:       ${plain:-nothing}"
echo "asked with HF_HUB_OFFLINE=1: ${offline:-nothing}"
grep -q 'whoami-v2 token' <<<"$plain"
[ -z "$offline" ]
ls "$work"/rows/*.db >/dev/null
echo "As described: a local run sends the token to the Hub to ask for a name."
