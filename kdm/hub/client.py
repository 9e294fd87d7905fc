"""The Hub's own client, huggingface_hub: whether it is installed, and whether it has a token."""

import os
import sys

_PACKAGE = "huggingface_hub"
# The client would ask the Hub for a list of known programs and tell it which one runs it.
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1"}


def has_token() -> bool:
    """Whether there is a token to send: in HF_TOKEN, or where 'hf auth login' keeps it."""
    require_client()
    from huggingface_hub import get_token

    return get_token() is not None


def require_client() -> None:
    """Raise a ValueError unless the Hub's client is installed; it is told to send no more than it must."""
    if _PACKAGE not in sys.modules:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "the Hub needs the package huggingface_hub; install it with pip install 'kdm-offline[hub]'"
        ) from error
