"""The processor, and the level of arithmetic at which torch's libraries use it."""

import torch

from kdm.networks.fast.processor import has_wide_vectors, held_levels
from pairgen.environment import device_model


def level() -> str:
    """In one line: a ratio of times means nothing without it."""
    held = " ".join(f"{name}={value}" for name, value in held_levels().items())
    able = [name for name, has in _ABILITIES.items() if has()]
    return ", ".join(
        [
            device_model(torch.device("cpu")),
            f"able to {'/'.join(able) or 'SSE'}",
            f"ATen at {torch.backends.cpu.get_cpu_capability()}",
            f"held by {held}" if held else "held by nothing",
            f"large convolutions {'torch' if has_wide_vectors() else 'Winograd'}'s",
            f"torch {torch.__version__}",
            f"{torch.get_num_threads()} thread(s)",
        ]
    )


_ABILITIES = {
    "AVX2": torch.cpu._is_avx2_supported,
    "AVX-512": torch.cpu._is_avx512_supported,
    "AVX-512-BF16": torch.cpu._is_avx512_bf16_supported,
    "AMX": torch.cpu._is_amx_tile_supported,
}
