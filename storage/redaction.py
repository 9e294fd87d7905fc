"""Keeps passwords and keys out of what is printed, logged and written.

An address that carries one is refused where it is given, since it would end up in logs, in a list of
processes and in a database. What somebody else's sentence contains (a parser's, a server's, Prefect's) is
replaced before the sentence is passed on.
"""

import os
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
# What ends a word of a sentence, or a value in quotes; and what else stands before a user.
_WORD, _BEFORE = r"\s'\"<>", r"@:=,()\[\]{}"
# user:password@, also with slashes in the password and with slips before it (s3:/user:password@), but not as
# part of a local path (/data/a:b@c). A port, and an '@' in a path behind it, are none; nor are an image with
# its digest (kdm:cpu@sha256:…) and mailto:.
_BEGINNING = rf"(?:^|(?<=[{_WORD}{_BEFORE}])|(?<=//))(?!mailto:)"
_USER_AND_PASSWORD = (
    rf"{_BEGINNING}[^{_WORD}{_BEFORE}/]+:(?!//|\d{{1,5}}(?:[/?#{_WORD}]|$))[^{_WORD}]+@(?!sha\d+:)"
)
_USER = rf"(?<=//)[^{_WORD}/]+@(?!sha\d+:)"
_AUTHORITY = re.compile(f"{_USER_AND_PASSWORD}|{_USER}")
# ?X-Amz-Signature=… of a presigned URL, &sig=… of a shared access signature, secret=… of a config file.
_NAMES = (
    r"signature|\bsig|secret|token|credential|passw(?:or)?d|"
    r"(?:api|access|account|shared)[-_]?key(?:[-_]?id)?"
)
_NAMED = re.compile(rf"(?i)(?P<name>(?:{_NAMES})[\w-]*['\"]?=['\"]?)[^&#;,{_WORD}]{{6,}}")
_IN_QUERY = re.compile(rf"(?i)[?&#][\w.-]*(?:{_NAMES})[\w-]*=[^&{_WORD}]")
# Variables whose values are secrets: AWS_SECRET_ACCESS_KEY, FSSPEC_S3_SECRET, PREFECT_API_AUTH_STRING …
_VARIABLES = re.compile(
    r"SECRET|PASSW|TOKEN|CREDENTIAL|AUTH_STRING|(?:API|ACCESS|ACCOUNT|S3)_KEY|_SAS|CONNECTION_(?:STRING|URL)"
)
_PLACES = re.compile(r"_FILE$|APPLICATION_CREDENTIALS$")  # they name a file
_SHORTEST = 8  # characters of a value; a shorter one is a word that is in many sentences
# The same for values that Prefect takes, as a JSON schema; its page reads expressions as JavaScript does.
_PARTS_OF_NAMES = ("sig", "token", "secret", "credential", "passw", "key")
NO_SECRET = {
    "not": {
        "anyOf": [
            {"pattern": "//[^/]+@"},
            {"pattern": r"^(?!/).*:(?!//|[0-9]{1,5}/)\S+@"},
            {
                "pattern": f"[?&#].*({'|'.join(f'{each}|{each.title()}' for each in _PARTS_OF_NAMES)}).*="
            },
        ]
    }
}
_ADVICE = "put credentials into the environment or the provider's config file (docs/remote.md)"


def holds_secret(text: str) -> bool:
    """Whether an argument, or a value of a recipe, is an address with a user, password or signature."""
    return bool(_AUTHORITY.search(text) or _IN_QUERY.search(text))


def require_no_secret(value: Any, what: str) -> None:
    """Raise a ValueError, which doesn't repeat it, if any text in a document is such an address."""
    if isinstance(value, str):
        if holds_secret(value):
            raise ValueError(
                f"{what} is an address with a user, a password or a signature; {_ADVICE}"
            )
    elif isinstance(value, Mapping):
        for key, each in value.items():
            require_no_secret(key, f"a key of {what}")
            require_no_secret(each, f"{what}.{key}")
    elif isinstance(value, Sequence):
        for position, each in enumerate(value):
            require_no_secret(each, f"{what}.{position}")


def redacted(text: str) -> str:
    """A sentence without what looks like a secret, and without those of this process's environment."""
    for secret in _of_environment():
        text = text.replace(secret, HIDDEN)
    text = _AUTHORITY.sub(f"{HIDDEN}@", text)
    return _NAMED.sub(rf"\g<name>{HIDDEN}", text)


class Redacting:
    """A `with` whose exceptions leave without secrets in their messages, which anyone may print or log."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        if error is not None and not _is_clean(error):
            raise ValueError(redacted(f"{type(error).__name__}: {error}")) from None


def _is_clean(error: BaseException) -> bool:
    """Redact an error, and what it came from; whether nothing is left to hide in its own message."""
    error.args = tuple(redacted(each) if isinstance(each, str) else each for each in error.args)
    if isinstance(error, OSError) and isinstance(error.filename, str):
        error.filename = redacted(error.filename)
    if error.__cause__ is not None and not _is_clean(error.__cause__):
        error.__cause__ = None
    if error.__context__ is not None and not _is_clean(error.__context__):
        error.__context__ = None
    return redacted(str(error)) == str(error)


def _of_environment() -> list[str]:
    """The longest first: one may be part of another."""
    values = {
        value
        for name, value in os.environ.items()
        if _VARIABLES.search(name) and not _PLACES.search(name) and len(value) >= _SHORTEST
    }
    return sorted({*values, *(quote(each, safe="") for each in values)}, key=len, reverse=True)
