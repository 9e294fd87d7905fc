"""Secrets are refused where they are given, and hidden in what others say of them."""

import traceback

import pytest

from storage.redaction import HIDDEN, Redacting, holds_secret, redacted, require_no_secret

CANARY = "can4ry/and+more"
SECRET = [
    f"s3://KEY:{CANARY}@bucket/home",
    f"s3://KEY:{CANARY}@else@bucket/home",
    "s3://can4ry@bucket/home",
    f"s3:/KEY:{CANARY}@bucket/home",
    f"s3:KEY:{CANARY}@bucket/home",
    f"s3;//KEY:{CANARY}@bucket/home",
    f"--home=s3://KEY:{CANARY}@bucket/home",
    f"dataset.source=s3://KEY:{CANARY}@bucket/home",
    f"https://bucket.example/home?X-Amz-Expires=5&X-Amz-Signature={CANARY}",
    f"https://account.example/home?sv=2026&sig={CANARY}",
    f"http://host/?access_token={CANARY}",
    f"postgresql+asyncpg://user:{CANARY}@host/prefect",
    f"dask://user:{CANARY}@host:8786",
    f"user:{CANARY}@host:29400",
    f"user:12345{CANARY}@host:29400",
]
PLAIN = [
    "s3://bucket/home",
    "s3://bucket/home@v1",
    "http://127.0.0.1:9000/bucket/home@v1",
    "dask://host:8786",
    "host:29400",
    "/data/2026-11-29T12:30@host/pairs",
    "dataset.source=/data/12:30@host",
    "./12:30@host",
    "me@example.org",
    "mailto:me@example.org",
    "kdm-offline:cpu@sha256:0123456789abcdef",
    "registry.example:5000/kdm-offline:cpu@sha256:0123456789abcdef",
    "registry.example/kdm-offline:1.0@sha256:0123456789abcdef",
    "pairs.train_rows=[0, 5]",
    "model.num_tokens=5",
]


@pytest.mark.parametrize("text", SECRET)
def test_an_address_with_a_secret_is_refused_and_hidden(text: str) -> None:
    assert holds_secret(text)
    said = redacted(f"no '{text}' is here, nor {text}: look again")
    assert "can4ry" not in said
    assert "+more" not in said
    assert said.endswith("look again")


@pytest.mark.parametrize("text", PLAIN)
def test_an_address_without_a_secret_is_neither(text: str) -> None:
    assert not holds_secret(text)
    assert redacted(f"no '{text}' is here") == f"no '{text}' is here"


def test_a_document_with_a_secret_is_refused_by_the_place_and_not_by_the_value() -> None:
    document = {"students": [{"name": "a"}, {"source": SECRET[0]}]}
    with pytest.raises(
        ValueError, match=r"^recipe 'x'\.students\.1\.source is an address"
    ) as error:
        require_no_secret(document, "recipe 'x'")
    assert "can4ry" not in str(error.value)


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "FSSPEC_S3_SECRET", "PREFECT_API_KEY"])
def test_a_secret_of_the_environment_is_hidden_wherever_it_is_repeated(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, CANARY)
    assert redacted(f"bad key {CANARY}; or can4ry%2Fand%2Bmore") == f"bad key {HIDDEN}; or {HIDDEN}"


class StubbornError(Exception):
    """Says more than its arguments."""

    def __str__(self) -> str:
        return SECRET[0]


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET[0]), OSError(2, "no file", SECRET[0]), StubbornError()]
)
def test_no_traceback_of_what_was_raised_inside_holds_a_secret(error: Exception) -> None:
    for raising in (lambda: reraised(error), lambda: raised(error)):
        with pytest.raises((RuntimeError, OSError, ValueError)) as found, Redacting():
            raising()
        assert "can4ry" not in "".join(traceback.format_exception(found.value))


def raised(error: Exception) -> None:
    raise error


def reraised(error: Exception) -> None:
    raise RuntimeError("outside") from error
