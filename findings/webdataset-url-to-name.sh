#!/usr/bin/env bash
# WebDataset takes url_to_name and ignores it, so with one cache_dir the test split is read from train's shards.
#
# Version:    webdataset 1.0.2 (numpy 2.4.6).
# Surprising: cache_dir names a cached shard by the last part of its URL. Who knows that passes url_to_name, the
#             argument that exists for it, and the constructor takes it without a word.
# Behaviour:  WebDataset(url_to_name=…) keeps the function in its own arguments only; the FileCache that it
#             creates gets cache_dir, cache_size and handler, so it names files by url_to_cache_name as before.
#             A file of that name in cache_dir counts as the shard, whichever URL it came from.
# Seen:       …/train/000000.tar and …/test/000000.tar through one cache_dir: the second dataset yields train's
#             samples, without an error or a warning. The function given as url_to_name is never called.
# Instead:    one cache_dir for each folder of shards, or shard names that differ between splits, or a FileCache
#             of your own in a DataPipeline (it does call url_to_name).
#
# A server on loopback serves the two shards, since local files aren't cached. Needs curl, as webdataset does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check webdataset==1.0.2 numpy==2.4.6
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

"$work/venv/bin/python" - "$work" <<'PY'
import functools
import http.server
import os
import pathlib
import sys
import threading

import webdataset as wds
from webdataset.cache import FileCache

work = pathlib.Path(sys.argv[1])
for split in ("train", "test"):
    (work / "www" / split).mkdir(parents=True)
    with wds.TarWriter(str(work / "www" / split / "000000.tar")) as tar:
        tar.write({"__key__": f"{split}-0", "txt": f"a sample of {split}"})


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Silent, directory=str(work / "www"))
)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/{{}}/000000.tar".format
called = []


def with_folder(name):
    called.append(name)
    return "-".join(name.split("/")[-2:])


def through_webdataset(split, cache):
    os.makedirs(cache, exist_ok=True)
    data = wds.WebDataset(url(split), shardshuffle=False, cache_dir=str(cache), url_to_name=with_folder)
    return [sample["__key__"] for sample in data]


train, test = (through_webdataset(split, work / "cache") for split in ("train", "test"))
files = sorted(os.listdir(work / "cache"))
print("train:", train, " test:", test, " in the cache:", files, " calls of url_to_name:", len(called))
if called:
    sys.exit("changed: WebDataset calls url_to_name")
if test != train:
    sys.exit("changed: one cache_dir keeps two URLs apart")

own = FileCache(cache_dir=str(work / "own"), url_to_name=with_folder)
print("a FileCache of one's own names the shard:", os.path.basename(own.get_file(url("test"))))
PY
