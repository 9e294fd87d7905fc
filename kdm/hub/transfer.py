"""One file over HTTP, gone on with at the byte where it ended, in this process or an earlier one.

The client's own download keeps what arrived only by ten megabytes at a time, and begins anew in another
process (huggingface_hub 2.4).
"""

import time
from collections.abc import Mapping
from typing import BinaryIO

from storage.errors import DamageError

_TRIES = 5  # in a row that bring nothing


def transfer(url: str, headers: Mapping[str, str], file: BinaryIO, num_bytes: int) -> None:
    """Append what is missing of a file of `num_bytes` to one that holds its beginning.

    A connection that ends early is taken up again; after five tries without a byte its error is raised.
    """
    import httpx2

    tries = _TRIES
    while (begun := file.tell()) < num_bytes:
        try:
            _append(url, headers, file, num_bytes)
        except (httpx2.TransportError, httpx2.StreamError):
            tries = _TRIES if file.tell() > begun else tries - 1
            if not tries:
                raise
            time.sleep(1)


def _append(url: str, headers: Mapping[str, str], file: BinaryIO, num_bytes: int) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    begun = file.tell()
    ranged = {**headers, "Accept-Encoding": "identity", "Range": f"bytes={begun}-"}
    with http_stream_backoff(
        "GET",
        url,
        headers=ranged if begun else {**headers, "Accept-Encoding": "identity"},
        timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
        retry_on_exceptions=(),
        retry_on_status_codes=(408, 429),
    ) as response:
        hf_raise_for_status(response)
        if (
            begun and response.status_code == 200
        ):  # a server that doesn't know ranges sends all of it
            file.seek(0)
            file.truncate()
        for piece in response.iter_bytes():  # as it comes: larger pieces would be lost in part
            file.write(piece)
            if file.tell() > num_bytes:
                raise DamageError(f"{url} has more than the {num_bytes:,} bytes that are listed")
    if file.tell() < num_bytes:
        raise DamageError(f"{url} has fewer than the {num_bytes:,} bytes that are listed")
