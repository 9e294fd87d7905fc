"""The search of `pixel-nn` beside the machine's own products of matrices, in one run, on two threads.

Pictures of 3×32×32 with values from a stream, 50,000 of them the reference, both views of each query. The
product of matrices is torch's, of blocks of the search's own shape. `--count` is the number of queries.
"""

import json
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measured import measured, python

NUM_REFERENCE, NUM_QUERIES, SHAPE = 50_000, 20_000, (3, 32, 32)
LEAST_SHARE, MAX_GIB = 0.80, 1.5
_ROUNDS = 4


def table(count: int = NUM_QUERIES) -> Iterator[str]:
    found = measured("search", python("picture_search.search", str(count)))
    took = json.loads(found.said)
    share = took["search"] / took["product"]
    yield "| what | GFLOP/s |\n|---|---:|"
    yield f"| product of matrices | {took['product']:.1f} |"
    yield f"| search, {count:,} queries, both views | {took['search']:.1f} |"
    yield f"\n{share:.1%} of the product's rate (bar ≥ {LEAST_SHARE:.0%}), "
    yield f"peak memory {found.peak_gib:.2f} GiB (bar ≤ {MAX_GIB} GiB)"
    hours = 1e6 * 2 * 2 * NUM_REFERENCE * np.prod(SHAPE) / took["search"] / 1e9 / 3600
    yield f"\na million pairs at this rate: {hours:.1f} h"


def search(num_queries: str) -> None:
    """Rates in turn: some of the search, then the product alone, and so on."""
    import torch

    from pairgen.filters.nearest_pictures import QUERIES
    from pairgen.filters.pixel_nn import PixelNN
    from storage.records import PairBatch

    torch.set_num_threads(2)
    stream = np.random.default_rng(0)
    reference = stream.random((NUM_REFERENCE, *SHAPE), np.float32)
    fitted = PixelNN().fit(reference)
    part, num_values = int(num_queries) // _ROUNDS, int(np.prod(SHAPE))
    block = torch.from_numpy(reference[:16384].reshape(-1, num_values))
    rows = torch.from_numpy(stream.random((2 * QUERIES, num_values), np.float32))
    seconds = {"search": 0.0, "product": 0.0}
    num_products = 40
    for _ in range(_ROUNDS):
        x_0 = stream.random((part, *SHAPE), np.float32)
        begun = time.perf_counter()
        fitted.score(PairBatch(np.arange(part), x_0, x_0))
        seconds["search"] += time.perf_counter() - begun
        begun = time.perf_counter()
        for _ in range(num_products):
            rows @ block.T
        seconds["product"] += time.perf_counter() - begun
    flops = {
        "search": 2 * 2 * _ROUNDS * part * NUM_REFERENCE * num_values,
        "product": 2 * _ROUNDS * num_products * rows.shape[0] * len(block) * num_values,
    }
    print(json.dumps({name: flops[name] / seconds[name] / 1e9 for name in flops}))
