#!/usr/bin/env bash
# Prefect 3 runs flows without a server as long as nothing is configured; any profile of your own ends that.
#
# Version:    prefect 3.8.8 (fastapi 0.150.0; its server doesn't start with every newer one).
# Surprising: an empty profile is expected to mean "all defaults", and without configuration a flow runs: a
#             temporary server starts by itself. With an empty profile the same flow refuses.
# Behaviour:  that server is not a default of the settings. PREFECT_SERVER_EPHEMERAL_ENABLED is false, and set to
#             true only in the built-in profile `ephemeral`, which is active while no other is. A profile made by
#             `prefect profile create`, and the file that Prefect 2 left (`[profiles.default]`), don't inherit it.
# Seen:       no file: the flow returns. profiles.toml with an empty [profiles.default], or `profile create mine`
#             and `profile use mine`: "ValueError: No Prefect API URL provided. Please set PREFECT_API_URL to the
#             address of a running Prefect server." The message names neither the file nor the setting.
# Instead:    PREFECT_SERVER_EPHEMERAL_ENABLED=true in that profile (`prefect config set`) or in the environment,
#             or `prefect profile use ephemeral`. (`profile create mine --from ephemeral` doesn't find it.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check prefect==3.8.8 fastapi==0.150.0 starlette==1.10.0

for name in $(compgen -e | grep '^PREFECT_' || true); do unset "$name"; done
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost DO_NOT_TRACK=1 PREFECT_LOGGING_LEVEL=CRITICAL
export PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=300
cd "$work"
cat >flow.py <<'PY'
from prefect import flow


@flow
def answer():
    return 42


try:
    print("the flow returned", answer())
except ValueError as e:
    print("ValueError:", e)
PY
attempt() { PREFECT_HOME=$work/$1 "$work/venv/bin/python" flow.py 2>"$work/$1.log" | tail -1 || tail -1 "$work/$1.log"; }
prefect() { PREFECT_HOME=$work/$1 "$work/venv/bin/prefect" "${@:2}" >/dev/null 2>&1; }

mkdir nothing two own
printf 'active = "default"\n\n[profiles.default]\n' >two/profiles.toml
prefect own profile create mine
prefect own profile use mine || true # it changes the profile, then ends in an error: no server

nothing=$(attempt nothing) two=$(attempt two) own=$(attempt own)
enabled=$(PREFECT_SERVER_EPHEMERAL_ENABLED=true attempt own)
printf '%-32s %s\n' "no profiles.toml:" "$nothing" "as Prefect 2 left it:" "$two" \
    "profile create mine:" "$own" "the same with the setting:" "$enabled"

[[ $nothing == "the flow returned 42" && $enabled == "the flow returned 42" ]] ||
    { echo "changed: flows no longer run by themselves" >&2; exit 1; }
[[ $two == "ValueError: No Prefect API URL provided."* && $own == "$two" ]] ||
    { echo "changed: flows run in an empty profile" >&2; exit 1; }
