#!/usr/bin/env bash
# zarr can't create an array in a group on a disk without hard links, though it stores single arrays there.
#
# Version:    zarr 3.1.6 (numpy 2.4.6).
# Surprising: zarr needs nothing but plain files, and an array stored on its own works on such a disk (exFAT,
#             a mounted cloud drive). So a first test passes, and the first group fails.
# Behaviour:  before an array or group is created inside a group, LocalStore.set_if_not_exists writes the
#             metadata of each parent, even of one that exists. It publishes that file with os.link and doesn't
#             catch the error of a file system that has no hard links. `zarr.save` with one array works, with
#             two it doesn't; formats 2 and 3 behave alike.
# Seen:       PermissionError [Errno 1] Operation not permitted: '…/zarr.….partial' -> '…/zarr.json'.
#             No permission is missing, and the array that "failed" is there: it opens and takes data.
# Instead:    one array in each store; or build the group on another disk and copy it; or open the folder as
#             zarr.storage.FsspecStore.from_url("file://…", storage_options={"auto_mkdir": True}), which never links.
#
# The disk is played by a small preloaded library in which link() fails as exFAT fails it. Needs cc.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check zarr==3.1.6 numpy==2.4.6

cat >"$work/nolinks.c" <<'C'
#include <errno.h>
static int refuse(void) { errno = EPERM; return -1; }
int link(const char *from, const char *to) { (void)from; (void)to; return refuse(); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    (void)a; (void)from; (void)b; (void)to; (void)flags;
    return refuse();
}
C
cc -shared -fPIC -o "$work/nolinks.so" "$work/nolinks.c"

cat >"$work/look.py" <<'PY'
import sys

import zarr

folder, links = sys.argv[1], sys.argv[2] == "yes"

alone = zarr.create_array(f"{folder}/alone.zarr", shape=(4,), chunks=(2,), dtype="i4")
alone[:] = [1, 2, 3, 4]
print("a single array:", zarr.open_array(f"{folder}/alone.zarr")[:].tolist())

group = zarr.create_group(f"{folder}/group.zarr")
try:
    group.create_array("images", shape=(4,), chunks=(2,), dtype="i4")
    error = None
except OSError as e:
    error = e
print("an array in a group:", "created" if error is None else f"{type(error).__name__}: {error}")

images = zarr.open_group(f"{folder}/group.zarr")["images"]
images[:] = 7
print("the same array afterwards:", images[:].tolist())

if links and error is not None:
    sys.exit(f"changed: creation fails on an ordinary disk, too: {error}")
if not links and not isinstance(error, PermissionError):
    sys.exit("changed: zarr creates an array in a group without hard links")
PY
mkdir "$work/ordinary" "$work/exfat"
echo "== with hard links"
"$work/venv/bin/python" "$work/look.py" "$work/ordinary" yes
echo "== without hard links"
LD_PRELOAD="$work/nolinks.so" "$work/venv/bin/python" "$work/look.py" "$work/exfat" no
