"""What `kdm privacy audit` says of an audit that is there, and of its private part."""

import typer

from flows.table import say_document
from flows.verbosity import warn
from storage.folders import Folder


def say_audit(target: Folder, state: str, *, is_private: bool, as_json: bool) -> None:
    """Print what stands out and where the page is, or the public document."""
    # torch, which an audit that is there needn't wait for
    from flows.documents.audit_files import PRIVATE, read_audit
    from kdm.report.audit_page import findings

    document = read_audit(target)
    assert document is not None  # it was written or found
    if as_json:
        private = (target / PRIVATE).url if is_private else None
        page = f"{target.url}/audit.html"
        say_document({"page": page, "private": private, "state": state, **document})
    else:
        for sentence in findings(document):
            typer.echo(sentence)
        typer.echo(f"{target.url}/audit.html: {state}")
        if is_private:
            typer.echo(f"{(target / PRIVATE).url}: scores of single samples; keep it with the data")
    if is_private and (warning := policy_warning(target)):
        warn(warning)


def say_planned(target: Folder, state: str, *, as_json: bool) -> None:
    """Print where an audit is, or would be; nothing of it is made."""
    page = f"{target.url}/audit.html"
    if as_json:
        say_document({"page": page, "state": state})
    else:
        typer.echo(f"{page}: {state}; nothing was made")


def policy_warning(audit: Folder) -> str:
    """What a user must know of a private part in a bucket, where files have no modes; '' on a disk."""
    if audit.is_local:
        return ""
    return (
        f"warning: the bucket's policy decides who may read {audit.url}/private, because files there have "
        "no modes of their own"
    )
