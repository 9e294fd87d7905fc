"""A repository of the Hub as this project asks it: what it holds, its files, and commits to it.

Nothing is imported of huggingface_hub, and nothing is asked, before it is needed.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from kdm.hub.client import require_client
from kdm.hub.hub_address import MAIN, HubAddress
from kdm.hub.hub_errors import hub_errors
from kdm.hub.transfer import transfer
from storage.errors import DamageError, StoreError


class Remote(NamedTuple):
    """A file of a repository, as it is listed there."""

    num_bytes: int
    blob: str  # its git object
    sha256: str | None  # of a large one

    def holds(self, sha256: str, blob: str) -> bool:
        """Whether it is the file with these digests."""
        return self.sha256 == sha256 if self.sha256 else self.blob == blob


class Head(NamedTuple):
    """Where a revision of a repository stands."""

    commit: str
    is_private: bool


@dataclass(frozen=True)
class Repository:
    """One repository; every method raises as `hub_errors`."""

    address: HubAddress

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self.api.endpoint}/{self.address.place}"

    @cached_property
    def api(self) -> Any:
        """The client; a ValueError says how to install it."""
        require_client()
        from huggingface_hub import HfApi, constants

        endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
        return HfApi(endpoint=endpoint.rstrip("/"), library_name="kdm-offline")

    @property
    def _named(self) -> dict[str, str]:
        return {"repo_id": self.address.repo, "repo_type": self.address.repo_type}

    def head(self) -> Head:
        """The commit that the revision is now."""
        revision = None if self.address.revision == MAIN else self.address.revision
        with hub_errors(self.url):
            found = self.api.repo_info(**self._named, revision=revision)
        return Head(found.sha, bool(found.private))

    def head_if_there(self) -> Head | None:
        """The same; None if nobody has made the repository, or the token may not see it."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            return self.head()
        except StoreError as error:
            if isinstance(error.__cause__, RepositoryNotFoundError):
                return None
            raise

    def files(self, commit: str) -> dict[str, Remote]:
        """All files of a commit by their paths."""
        with hub_errors(self.url):
            tree = list(self.api.list_repo_tree(**self._named, revision=commit, recursive=True))
        return {
            each.path: Remote(each.size, each.blob_id, each.lfs.sha256 if each.lfs else None)
            for each in tree
            if hasattr(each, "blob_id")
        }

    def download(self, path: str, commit: str, part: Path, num_bytes: int) -> None:
        """Bring a file of a commit to `part`, going on where an earlier download of it ended."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        url = hf_hub_url(
            self.address.repo,
            path,
            repo_type=self.address.repo_type,
            revision=commit,
            endpoint=self.api.endpoint,
        )
        headers = build_hf_headers(library_name="kdm-offline")
        part.parent.mkdir(parents=True, exist_ok=True)
        with hub_errors(self.url), part.open("ab") as file:
            if file.tell() > num_bytes:
                file.seek(0)
                file.truncate()
            transfer(url, headers, file, num_bytes)

    def small_file(self, path: str, commit: str, remote: Remote, *, at_most: int) -> bytes:
        """The bytes of a file that is read here and now; a DamageError if it has more than `at_most`."""
        if remote.num_bytes > at_most:
            raise DamageError(f"{path} of {self.url} has {remote.num_bytes:,} bytes; don't use it")
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part"
            self.download(path, commit, part, remote.num_bytes)
            return part.read_bytes()

    def create(self, *, is_private: bool) -> None:
        """Make the repository."""
        with hub_errors(self.url):
            self.api.create_repo(**self._named, private=is_private, exist_ok=True)

    def account(self) -> Mapping[str, Any]:
        """Whose token it is, and what it may do."""
        with hub_errors(self.api.endpoint):
            found: Mapping[str, Any] = self.api.whoami()
        return found

    def upload(self, additions: list[Any]) -> None:
        """Send the large ones of some additions and forget their bytes; a commit names them later."""
        with hub_errors(self.url):
            self.api.preupload_lfs_files(**self._named, additions=additions)

    def commit(self, operations: list[Any], message: str, *, parent: str) -> str:
        """A commit of additions and deletions on top of `parent`; its name."""
        with hub_errors(self.url):
            made = self.api.create_commit(
                **self._named, operations=operations, commit_message=message, parent_commit=parent
            )
        return str(made.oid)
