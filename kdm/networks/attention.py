"""Self-attention over the pixels of a map (Ho et al. 2020, App. B; Dhariwal & Nichol 2021, Sec. 3).

    out_i = Σ_j softmax_j(q_i · k_j / √c) v_j,   i and j pixels of one image, c channels a head

Published networks number the channels of q, k and v in three ways; the weights only fit the right one.
"""

from enum import Enum

import torch.nn.functional as F

from kdm.networks.image_shapes import Heads, Images, Maps, Rows


class Layout(Enum):
    """How the 3C channels of a qkv map are numbered, slowest axis first.

    A part is query, key or value, a channel one of a head's c = C / heads.
    """

    HEAD_CHANNEL_PART = "head, channel, part"  # SongUNet and DhariwalUNet
    HEAD_PART_CHANNEL = "head, part, channel"  # guided-diffusion's legacy order
    PART_HEAD_CHANNEL = "part, head, channel"  # guided-diffusion's new order


def attend(qkv: Images, num_heads: int, *, layout: Layout) -> Maps:
    """softmax(qᵀk / √c) v in every head: a qkv map (n, 3C, h, w) to a map (n, C, h, w)."""
    height, width = qkv.shape[2:]
    query, key, value = (_rows(part) for part in _split(qkv, num_heads, layout))
    attended = F.scaled_dot_product_attention(query, key, value)
    return attended.transpose(2, 3).reshape(qkv.shape[0], -1, height, width)


def _split(qkv: Images, num_heads: int, layout: Layout) -> tuple[Heads, Heads, Heads]:
    """Queries, keys and values (n, heads, c, pixels) of a qkv map (n, 3C, h, w)."""
    num, channels = qkv.shape[0], qkv.shape[1] // (3 * num_heads)
    axes = {"head": num_heads, "part": 3, "channel": channels}
    names = layout.value.split(", ")
    split = qkv.reshape(num, *(axes[name] for name in names), -1)
    query, key, value = split.unbind(1 + names.index("part"))
    return query, key, value


def _rows(part: Heads) -> Rows:
    return part.transpose(2, 3).contiguous()
