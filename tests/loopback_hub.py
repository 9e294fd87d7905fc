"""A Hugging Face Hub on loopback: the calls that huggingface_hub makes to create, list, push and pull.

Repositories are commits of files in memory, large files go by their sha256 as on the Hub (git LFS), and
what the server has received and sent can be counted. It fails on purpose too: see `Fault`.
"""

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopbackTokenThatNoOutputMayHold"
_LARGE = (".tar", ".safetensors", ".png", ".npy")  # what the Hub's own .gitattributes sends to LFS
_API = re.compile(r"/api/(models|datasets)/([\w.-]+/[\w.-]+)(?:/(\w+)/([^/?]+)(?:/(.+))?)?")
_BATCH = re.compile(r"/(datasets/)?([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch")
_RESOLVE = re.compile(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")
_KIND = {None: "models", "model": "models", "dataset": "datasets", "datasets/": "datasets"}


class File(NamedTuple):
    """One file of a commit."""

    data: bytes
    is_large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def blob(self) -> str:
        """Its git object."""
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass
class Repository:
    """A repository: its commits, the newest last, each with all of its files."""

    is_private: bool
    commits: list[tuple[str, dict[str, File]]] = field(default_factory=list)

    def commit(self, files: dict[str, File]) -> str:
        names = "".join(f"{name}{files[name].sha256}" for name in sorted(files))
        name = hashlib.sha1(f"{len(self.commits)}{names}".encode()).hexdigest()
        self.commits.append((name, files))
        return name

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    def files(self, revision: str = "main") -> dict[str, File] | None:
        if revision == "main":
            return self.commits[-1][1]
        return next((files for name, files in self.commits if name == revision), None)


class Fault(NamedTuple):
    """What goes wrong with the request of this number (from 1), counted over all requests.

    `cut`: the connection ends in the middle of the body that is received or, of a request without one, of
    the answer; `after`: always of the answer, so that the request was done. `call`: something is done then,
    as killing the client. `status` and `words` are an answer.
    """

    cut: bool = False
    after: bool = False
    call: Callable[[], None] | None = None
    status: int = 0
    words: str = ""


@dataclass
class Hub:
    """The server's state; `faults` by number of request, or by (method, part of the path)."""

    url: str = ""
    user: str = "ada"
    organisations: tuple[str, ...] = ("lab",)
    may_write: bool = True
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # large files that arrived, by sha256
    faults: dict[int | tuple[str, str], Fault] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)  # 'METHOD path', each as it arrives
    arrived: Counter[str] = field(default_factory=Counter)  # uploads that were whole, by content
    served: Counter[str] = field(default_factory=Counter)  # bytes sent of files, by their path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def repository(self, name: str, kind: str = "models") -> Repository:
        return self.repositories[kind, name]

    def files(self, name: str, kind: str = "models") -> dict[str, bytes]:
        """The newest files of a repository."""
        found = self.repository(name, kind).files() or {}
        return {path: file.data for path, file in found.items()}

    def replace(self, name: str, path: str, data: bytes | None, kind: str = "models") -> str:
        """A commit by somebody else, which writes or removes one file."""
        repository = self.repository(name, kind)
        files = dict(repository.files() or {})
        files.pop(path, None)
        if data is not None:
            files[path] = File(data, path.endswith(_LARGE))
        return repository.commit(files)

    def fault_of(self, method: str, path: str) -> Fault:
        """The fault of the next request, which counts."""
        with self.lock:
            self.requests.append(f"{method} {path}")
            keyed = [key for key in self.faults if isinstance(key, tuple)]
            named = [key for key in keyed if key[0] == method and key[1] in path]
            for key in (len(self.requests), *named):
                if key in self.faults:
                    return self.faults[key]
        return Fault()


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A server on a free port of this machine, until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _CutError(Exception):
    """The connection ends here."""


class _Answer(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def _answer(self, respond: Callable[[str], None]) -> None:
        path = unquote(urlsplit(self.path).path)
        self.fault = self.hub.fault_of(self.command, path)
        try:
            if self.fault.status:
                self._body()
                self._fail(self.fault.status, self.fault.words)
            else:
                respond(path)
        except (_CutError, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None:
            return self._chunks()
        if self.fault.cut and not self.fault.after:
            self.rfile.read(int(length) // 2)
            self._cut()
        return self.rfile.read(int(length))

    def _cut(self) -> NoReturn:
        if self.fault.call:
            self.fault.call()
        raise _CutError

    def _chunks(self) -> bytes:
        found = b""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return found
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
            if self.fault.cut and not self.fault.after:
                self._cut()
        self.rfile.readline()
        return found

    def _send(self, data: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault.cut:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self._cut()
        self.wfile.write(data)

    def _json(self, document: Any, status: int = 200) -> None:
        self._send(json.dumps(document).encode(), status, Content_Type="application/json")

    def _fail(self, status: int, words: str, code: str = "") -> None:
        headers = {"X_Error_Message": words, **({"X_Error_Code": code} if code else {})}
        self._send(json.dumps({"error": words}).encode(), status, **headers)

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _repository(self, kind: str, name: str) -> Repository | None:
        """One that this client may see; None is answered already."""
        found = self.hub.repositories.get((kind, name))
        if found is None or (found.is_private and not self._is_known()):
            self._fail(404 if self._is_known() else 401, "Repository not found", "RepoNotFound")
            return None
        return found

    def _get(self, path: str) -> None:
        if path == "/api/whoami-v2":
            self._whoami()
        elif match := _API.fullmatch(path):
            self._info(match)
        elif match := _RESOLVE.fullmatch(path):
            self._resolve(*match.groups())
        else:
            self._fail(404, "Not found")

    def _whoami(self) -> None:
        if not self._is_known():
            self._fail(401, "Invalid username or password.")
            return
        role = "write" if self.hub.may_write else "read"
        self._json(
            {
                "type": "user",
                "name": self.hub.user,
                "orgs": [{"name": each, "type": "org"} for each in self.hub.organisations],
                "auth": {"type": "access_token", "accessToken": {"role": role}},
            }
        )

    def _info(self, match: re.Match[str]) -> None:
        kind, name, what, revision, below = match.groups()
        repository = self._repository(kind, name)
        if repository is None:
            return
        files = repository.files(revision or "main")
        if files is None:
            self._fail(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        elif what == "tree":
            is_deep = "recursive=true" in self.path.lower()
            self._json(list(_listing(files, f"{below}/" if below else "", is_deep=is_deep)))
        else:
            head = repository.head if revision in (None, "main") else revision
            names = [{"rfilename": path} for path in sorted(files)]
            about = {"id": name, "sha": head, "private": repository.is_private}
            self._json({**about, "siblings": names, "tags": [], "downloads": 0, "likes": 0})

    def _resolve(self, prefix: str | None, name: str, revision: str, path: str) -> None:
        repository = self._repository(_KIND[prefix], name)
        if repository is None:
            return
        file = (repository.files(revision) or {}).get(path)
        if file is None:
            self._fail(404, "Entry not found", "EntryNotFound")
            return
        first = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        data = file.data[first:]
        sent = len(data) // 2 if self.fault.cut else len(data)
        with self.hub.lock:
            self.hub.served[path] += sent if self.command == "GET" else 0
        etag = file.sha256 if file.is_large else file.blob
        headers = {"ETag": f'"{etag}"', "X_Repo_Commit": repository.head, "Accept_Ranges": "bytes"}
        if first:
            headers["Content_Range"] = f"bytes {first}-{len(file.data) - 1}/{len(file.data)}"
        self._send(data, 206 if first else 200, **headers)

    def _post(self, path: str) -> None:
        body = self._body()
        if not self._is_known():
            self._fail(401, "Invalid credentials in Authorization header")
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif match := _BATCH.fullmatch(path):
            self._batch(json.loads(body))
        elif (match := _API.fullmatch(path)) and match[3] == "preupload":
            self._preupload(match[1], match[2], json.loads(body))
        elif match and match[3] == "commit":
            self._commit(match[1], match[2], body)
        else:
            self._fail(404, "Not found")

    def _create(self, wanted: dict[str, Any]) -> None:
        owner = wanted.get("organization") or self.hub.user
        kind, name = _KIND[wanted.get("type")], f"{owner}/{wanted['name']}"
        if (kind, name) in self.hub.repositories:
            self._fail(409, "You already created this repo")
            return
        is_private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        repository = Repository(is_private)
        repository.commit({".gitattributes": File(b"*.tar filter=lfs\n", False)})
        self.hub.repositories[kind, name] = repository
        place = name if kind == "models" else f"{kind}/{name}"
        self._json({"url": f"{self.hub.url}/{place}", "name": name})

    def _preupload(self, kind: str, name: str, wanted: dict[str, Any]) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return
        there = repository.files() or {}
        modes = [
            {
                "path": each["path"],
                "uploadMode": "lfs" if each["path"].endswith(_LARGE) else "regular",
                "shouldIgnore": False,
                "oid": _object(there.get(each["path"])),
            }
            for each in wanted["files"]
        ]
        self._json({"files": modes})

    def _batch(self, wanted: dict[str, Any]) -> None:
        objects = []
        for each in wanted["objects"]:
            upload = {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}}
            is_there = each["oid"] in self.hub.objects
            objects.append({**each, **({} if is_there else {"actions": upload})})
        self._json({"transfer": "basic", "objects": objects})

    def _put(self, path: str) -> None:
        data, sha256 = self._body(), path.rpartition("/")[2]
        if hashlib.sha256(data).hexdigest() != sha256:
            self._fail(400, "The object is not what its name says")
            return
        with self.hub.lock:
            self.hub.arrived[sha256] += 1
            self.hub.objects[sha256] = data
        self._send(b"")

    def _commit(self, kind: str, name: str, body: bytes) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return
        lines = [json.loads(line) for line in body.splitlines() if line]
        with self.hub.lock:
            parent = lines[0]["value"].get("parentCommit")
            if parent not in (None, repository.head):
                self._fail(412, "A commit has happened since.")
                return
            files = dict(repository.files() or {})
            for line in lines[1:]:
                self._apply(line["key"], line["value"], files)
            head = repository.commit(files)
        place = name if kind == "models" else f"{kind}/{name}"
        url = f"{self.hub.url}/{place}/commit/{head}"
        self._json({"success": True, "commitOid": head, "commitUrl": url})

    def _apply(self, key: str, value: dict[str, Any], files: dict[str, File]) -> None:
        if key == "deletedFile":
            files.pop(value["path"])
        elif key == "lfsFile":
            files[value["path"]] = File(self.hub.objects[value["oid"]], True)
        else:
            data = base64.b64decode(value["content"])
            self.hub.arrived[f"{value['path']} {hashlib.sha256(data).hexdigest()}"] += 1
            files[value["path"]] = File(data, False)


def _object(file: File | None) -> str | None:
    if file is None:
        return None
    return file.sha256 if file.is_large else file.blob


def _listing(files: dict[str, File], below: str, *, is_deep: bool) -> Iterator[dict[str, Any]]:
    """Files and folders below a folder, all of them or those directly in it."""
    folders = set()
    for path, file in sorted(files.items()):
        rest = path.removeprefix(below)
        if not path.startswith(below):
            continue
        parents = [below + rest[:at] for at, letter in enumerate(rest) if letter == "/"]
        for folder in parents if is_deep else parents[:1]:
            if folder not in folders:
                folders.add(folder)
                name = hashlib.sha1(folder.encode()).hexdigest()
                yield {"type": "directory", "path": folder, "size": 0, "oid": name}
        if is_deep or not parents:
            yield _entry(path, file)


def _entry(path: str, file: File) -> dict[str, Any]:
    """A line of a listing, as the Hub gives it."""
    large = {"lfs": {"oid": file.sha256, "size": len(file.data), "pointerSize": 134}}
    entry = {"type": "file", "path": path, "size": len(file.data), "oid": file.blob}
    return {**entry, **(large if file.is_large else {})}
