"""Which device a run takes, asked with as little as possible."""

import pytest
import torch

import flows.device
from flows.device import settled_device


def test_auto_takes_what_torch_finds_on_this_machine() -> None:
    assert settled_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


def test_torch_decides_wherever_linux_lists_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(flows.device, "_GPU_FILES", ("null",))  # which each machine has
    assert settled_device("auto") == "cuda"
