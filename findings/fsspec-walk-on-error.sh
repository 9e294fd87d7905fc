#!/usr/bin/env bash
# fsspec's walk(on_error="raise") doesn't raise for a subfolder that it can't list: the folder is just empty.
#
# Version:    fsspec 2026.9.0.
# Surprising: the argument is documented as os.walk's onerror with a word to raise, and it works in the obvious
#             test, a wrong path. It covers that first folder alone.
# Behaviour:  AbstractFileSystem.walk and AsyncFileSystem._walk call themselves for each subfolder without
#             passing on_error on, so everything below the first level falls back to "omit". find(), du() and
#             recursive get() and put() stand on walk().
# Seen:       a tree with a locked subfolder: os.walk reports it; fsspec's walk with "raise" ends normally and
#             yields no row for it, and a callable is never called. The same folder as the first one raises.
# Instead:    compare the folders that were yielded with those that were announced, or walk by ls() yourself,
#             where an incomplete listing would be taken for the whole (counting, copying, removing, checking).
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check fsspec==2026.9.0
mkdir -p "$work/tree/open" "$work/tree/locked"
touch "$work/tree/open/seen.txt" "$work/tree/locked/hidden.txt"
chmod 755 "$work" "$work/tree" "$work/tree/open"
chmod 000 "$work/tree/locked"

"$work/venv/bin/python" - "$work/tree" <<'PY'
import os
import sys

import fsspec

if os.geteuid() == 0:
    os.seteuid(65534)  # root may list everything; nobody may not
root, files = sys.argv[1], fsspec.filesystem("file")

reported = []
list(os.walk(root, onerror=reported.append))
print("os.walk reports:", [type(e).__name__ for e in reported])
if [type(e) for e in reported] != [PermissionError]:
    sys.exit("not tested: this system lets the user list a folder of mode 000")

try:
    files.ls(f"{root}/locked")
    sys.exit("changed: fsspec lists the locked folder")
except PermissionError as e:
    print("as first folder, ls:", e)
try:
    list(files.walk(f"{root}/locked", on_error="raise"))
    sys.exit("changed: on_error='raise' is ignored for the first folder, too")
except PermissionError as e:
    print("as first folder, walk:", e)

called = []
try:
    rows = [os.path.basename(path) for path, _, _ in files.walk(root, on_error="raise")]
    list(files.walk(root, on_error=called.append))
except PermissionError as e:
    sys.exit(f"changed: walk raises for a subfolder: {e}")
print("as subfolder, walk with 'raise' yields:", sorted(rows), "and a callable gets:", called)
if called or sorted(rows) != ["open", "tree"]:
    sys.exit("changed: walk reports the subfolder")
print("find:", [os.path.basename(path) for path in files.find(root)])
PY
