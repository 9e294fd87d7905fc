#!/usr/bin/env bash
# While playwright's synchronous API is open, Prefect's synchronous calls in that thread return coroutines.
#
# Version:    playwright 1.65.2, prefect 3.9.1.
# Surprising: `sync_playwright` is the interface for code without an event loop, and Prefect's methods such as
#             Variable.get and Block.save promise a value where no loop runs. Code that uses both, one after the
#             other, would be expected to get one.
# Behaviour:  playwright runs a loop in a greenlet of the calling thread, and leaves it marked as that thread's running
#             loop from start() to stop(). Prefect asks for the running loop, finds it, and answers with a coroutine that
#             nobody awaits: nothing is read or saved, and Python warns at the end, if at all.
# Seen:       between start() and stop() asyncio.get_running_loop() answers, and Variable.get returns a coroutine;
#             before and after, there is no running loop. No browser is needed for it, the driver is enough.
# Instead:    stop playwright before Prefect is asked (a test's fixture for one module, not for the session).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check playwright==1.65.2 prefect==3.9.1 \
  'fastapi<0.151' 'sqlalchemy<2.1'

export PREFECT_HOME="$work/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false
"$work/venv/bin/python" - <<'PY'
import asyncio
import inspect
import sys

from playwright.sync_api import sync_playwright
from prefect.variables import Variable


def has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


found = [has_loop()]
playwright = sync_playwright().start()
found.append(has_loop())
answer = Variable.get("nothing", default="a value")
found.append(inspect.iscoroutine(answer))
answer.close()
playwright.stop()
found.append(has_loop())
print("a loop before, while open; a coroutine; a loop after:", *found)
sys.exit(found != [False, True, True, False])
PY
