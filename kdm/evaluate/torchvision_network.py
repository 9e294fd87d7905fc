"""A network of torchvision from a safetensors file: weights alone, so the option `architecture` names it.

Its last linear layer, which tells ImageNet's classes apart, is left out: what is wanted is the features
that it is given.
"""

from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from kdm.torchvision_import import import_torchvision


def torchvision_network(path: Path, architecture: str) -> nn.Module:
    """The network x [n, 3, H, W] → features [n, d] with the file's weights, on the CPU.

    Raises a ValueError that names the file if it doesn't hold exactly these, those of the last linear layer
    aside, or if torchvision isn't installed or doesn't know the architecture.
    """
    try:
        import_torchvision()
        from torchvision.models import get_model
    except ImportError as error:
        raise ValueError(
            f"{path} holds weights of torchvision's {architecture}, and torchvision isn't installed; "
            "pip install 'kdm-offline[images]'"
        ) from error
    with torch.device("meta"):  # no time and memory for random weights
        network: nn.Module = get_model(architecture, weights=None)
    head = _without_head(network)
    try:
        tensors = safetensors.torch.load_file(path)
        kept = {name: each for name, each in tensors.items() if not name.startswith(head)}
        network.load_state_dict(kept, assign=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{path} doesn't hold the weights of torchvision's {architecture} ({reason[:120]}); name the "
            "architecture that it is of, or export the network as TorchScript"
        ) from error
    return network.eval()


def _without_head(network: nn.Module) -> str:
    """Take out the last linear layer; returns how the names of its weights begin."""
    linear = [name for name, each in network.named_modules() if isinstance(each, nn.Linear)]
    if not linear:
        return "\0"  # no name begins with it
    parent, _, own = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), own, nn.Identity())
    return f"{linear[-1]}."
