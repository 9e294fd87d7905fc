"""Where a run computes: on the CPU or a GPU."""

DEVICES = ("cpu", "cuda", "auto")


def require_device(device: str) -> None:
    """A ValueError if the device doesn't exist; torch is imported only for a GPU."""
    if device not in DEVICES:
        raise ValueError(f"no device '{device}'; choose cpu, cuda or auto")
    if device == "cuda":
        settled_device(device)


def settled_device(device: str) -> str:
    """'cpu' or 'cuda'; 'auto' takes the GPU if torch finds one."""
    if device == "cpu":
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not torch.cuda.is_available():
        raise ValueError("device is 'cuda' but torch finds no GPU; use 'cpu' or 'auto'")
    return device
