"""The network of GET: an injection transformer, and blocks that are applied again and again.

    x_T ─patches─► `depth` blocks ─► u;    z ← f(z; u), three blocks an application;    z ─► x_0^

Geng et al. 2023, "One-step diffusion distillation via deep equilibrium models", Sec. 3. A picture becomes
a row of tokens, one for each patch. The injection transformer sees x_T once; its result u is added to the
queries, keys and values of every application of f, which therefore can't forget its input. The
network doesn't see time. State-dict names are those of the published code.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kdm.networks.image_shapes import ClassLabels, Images
from kdm.networks.transformer_options import EquilibriumOptions, Grid

Tokens = Float[Tensor, "n tokens width"]
States = Float[Tensor, "k n tokens width"]  # z after each of k applications
_Patches = Float[Tensor, "n tokens pixels"]
_Injection = Float[Tensor, "n rows thrice"]  # added to queries, keys and values; rows may be 1
_Shift = Float[Tensor, "n 1 thrice"]  # the same for all tokens

_NUM_EQUILIBRIUM_BLOCKS = 3  # in all published sizes
_INJECTION_RATIO = 4  # of an injection block's hidden width


class EquilibriumTransformer(nn.Module):
    """u = g(x_T, y), z_k = f(z_{k−1}; u, y) and x_0^ = readout(z) (ibid.).

    x has shape (n, c, h, w) with whole patches, z (n, tokens, width). Labels (n,) are shifts of
    queries, keys and values, the same in all blocks and tokens.
    """

    def __init__(
        self, options: EquilibriumOptions, shape: tuple[int, ...], *, num_classes: int
    ) -> None:
        super().__init__()
        self._grid, self._patch_size = options.grid(shape), options.patch_size
        width, num_heads, side = options.width, options.num_heads, options.patch_size
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(shape[0], width, side, stride=side)})
        # A parameter, and counted as one, as in the published code, but it doesn't learn.
        self.pos_embed = nn.Parameter(_positions(width, self._grid), requires_grad=False)
        self.y_embedder: nn.ModuleDict | None = None
        if num_classes:
            table = nn.Embedding(num_classes, 3 * width)
            self.y_embedder = nn.ModuleDict({"embedding_table": table})
        self.blocks = nn.ModuleList(
            _Block(width, num_heads, _INJECTION_RATIO) for _ in range(options.depth)
        )
        self.qkv_inj = nn.Linear(width, 3 * width * _NUM_EQUILIBRIUM_BLOCKS, bias=False)
        self.deq_blocks = nn.ModuleList(
            _Block(width, num_heads, options.equilibrium_ratio)
            for _ in range(_NUM_EQUILIBRIUM_BLOCKS)
        )
        self.final_layer = _Readout(width, side**2 * shape[0])
        _initialise(self)

    @property
    def state_shape(self) -> tuple[int, int]:
        """Tokens and width of one sample's z."""
        return self.pos_embed.shape[1], self.pos_embed.shape[2]

    def forward(
        self, x: Images, z: Tokens, label: ClassLabels | None, num_applications: int
    ) -> States:
        """The states z_1 … z_k (k, n, tokens, width) from z_0 = z, k = `num_applications`."""
        shift = None if self.y_embedder is None else self._shift(label)
        injections = self._injections(x, shift)
        states = []
        for _ in range(num_applications):
            for block, u in zip(self.deq_blocks, injections, strict=True):
                z = block(z, u)
            states.append(z)
        return torch.stack(states)

    def read(self, z: Tokens) -> Images:
        """Pictures (m, c, h, w) from states (m, tokens, width): each token becomes a patch."""
        (rows, columns), side = self._grid, self._patch_size
        pixels = self.final_layer(z).reshape(z.shape[0], rows, columns, side, side, -1)
        x: Images = pixels.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)
        return x

    def _injections(self, x: Images, shift: _Shift | None) -> tuple[_Injection, ...]:
        """u for each equilibrium block, (n, tokens, 3 width), with the label's shift added."""
        tokens: Tokens = self.x_embedder["proj"](x).flatten(2).transpose(1, 2) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens, shift)
        u = self.qkv_inj(tokens).chunk(_NUM_EQUILIBRIUM_BLOCKS, -1)
        return u if shift is None else tuple(each + shift for each in u)

    def _shift(self, label: ClassLabels | None) -> _Shift:
        """A label's shift (n, 1, 3 width) of queries, keys and values."""
        assert self.y_embedder is not None
        shift: _Shift = self.y_embedder["embedding_table"](label)[:, None]
        return shift


class _Block(nn.Module):
    """A pre-norm transformer block (Vaswani et al. 2017); u is added to queries, keys and values."""

    def __init__(self, width: int, num_heads: int, ratio: int) -> None:
        super().__init__()
        self._num_heads = num_heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict(
            {"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)}
        )
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(width, ratio * width), "fc2": nn.Linear(ratio * width, width)}
        )

    def forward(self, x: Tokens, u: _Injection | None) -> Tokens:
        """x ← x + Attn(LN x; u), then x ← x + MLP(LN x); (n, tokens, width) both."""
        qkv = self.attn["qkv"](self.norm1(x))
        x = x + self.attn["proj"](self._attended(qkv if u is None else qkv + u))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))  # type: ignore[no-any-return]

    def _attended(self, qkv: _Injection) -> Tokens:
        """Attention of qkv (n, tokens, 3 width) over all tokens: (n, tokens, width)."""
        split = qkv.reshape(*qkv.shape[:2], 3, self._num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class _Readout(nn.Module):
    """A layer norm and a linear layer: z (m, tokens, width) to the pixels of each patch.

    The linear layer starts at 0, so that training begins from grey pictures.
    """

    def __init__(self, width: int, num_values: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(width, eps=1e-6)
        self.linear = nn.Linear(width, num_values)

    def forward(self, z: Tokens) -> _Patches:
        """The pixels (m, tokens, values of a patch) of every token."""
        patches: _Patches = self.linear(self.norm_final(z))
        return patches


def _positions(width: int, grid: Grid) -> Tensor:
    """(1, tokens, width): sines and cosines of a patch's column, then of its row (He et al. 2022)."""
    quarter = width // 4
    steps = torch.arange(quarter, dtype=torch.float64, device="cpu")
    rows, columns = (torch.arange(side, dtype=torch.float64, device="cpu") for side in grid)
    places = torch.stack([columns.repeat(grid[0]), rows.repeat_interleave(grid[1])])
    angles = places[:, :, None] / 10_000 ** (steps / quarter)
    waves = torch.cat([angles.sin(), angles.cos()], -1)
    return torch.cat([waves[0], waves[1]], -1).to(torch.float32)[None]


@torch.no_grad()
def _initialise(network: EquilibriumTransformer) -> None:
    """Uniform weights (Glorot and Bengio 2010) and biases of 0; a readout of 0, labels of deviation 0.02.

    As in the published code: an untrained network gives pictures of 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight.view(len(module.weight), -1))
            if module.bias is not None:
                module.bias.zero_()
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
    network.final_layer.linear.weight.zero_()
