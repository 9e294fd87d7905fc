"""One pass for all metrics over Inception's features: time beside the network's own, and memory.

50,000 pictures of 3×32×32 and as many real ones, whose features are kept as after a first student. The
network is a stand-in with Inception's interface, 2,048 features and 1,008 classes: pictures are resized to
299×299 and go through one convolution, 0.07 GFLOP a picture. Inception itself takes 11.4 (5.7 billion
multiplications and additions), so its own time is measured on a few hundred pictures, with random weights
in pytorch-fid's layers, and the rest of the pass is divided by that. On two threads.

Then the memory of a whole `kdm evaluate` (`whole_evaluation`). `--count` is another number of pictures, more
than the 2,048 features.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measured import measured, python
from benchmarks.whole_evaluation import whole_evaluation

NUM_PICTURES, NUM_TIMED, NUM_FEATURES, NUM_CLASSES = 50_000, 200, 2_048, 1_008
METRICS = ("fid", "fid-infinity", "kid", "inception-score", "precision-recall")
MAX_SHARE, MAX_GIB = 0.10, 1.5
_THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}


def table(count: int = NUM_PICTURES) -> Iterator[str]:
    os.environ.update(_THREADS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KDM_WEIGHTS"] = folder
        write_stand_in(Path(folder))
        given = (folder, str(count))
        own = json.loads(measured("network", python("pictures_pass.inception_alone", *given)).said)
        measured("real pictures", python("pictures_pass.look_at_real", *given))
        found = measured("pass", python("pictures_pass.one_pass", *given))
        peak, took = found.peak_gib, json.loads(found.said)
        yield "| part | s |\n|---|---:|"
        yield f"| Inception's layers, {NUM_TIMED} pictures, times {count / NUM_TIMED:g} | {own:.0f} |"
        yield from (f"| {part} | {seconds:.1f} |" for part, seconds in took.items())
        extra = sum(took.values()) - took["stand-in network"]
        yield f"\nextra time over Inception's: {extra / own:.1%} (bar ≤ {MAX_SHARE:.0%}), "
        yield f"peak memory {peak:.2f} GiB (bar ≤ {MAX_GIB} GiB)"
        whole = whole_evaluation(Path(folder), pictures(4, count))
        yield f"\n`kdm evaluate` of {count:,} pictures: {whole.wall:.0f} s, "
        yield f"peak memory {whole.peak_gib:.2f} GiB (bar ≤ {MAX_GIB} GiB)"


def one_pass(folder: str, num_pictures: str) -> None:
    """What the network sees in new pictures, and every metric of it."""
    from kdm.evaluate.evaluation_options import GROUP
    from kdm.evaluate.feature_network import FeatureNetwork
    from kdm.evaluate.network_views import Eyes
    from kdm.metrics.network_metric import INCEPTION, NetworkMetric
    from kdm.metrics.protocol import Reference
    from kdm.metrics.samples import EvaluationSamples
    from kdm.metrics.views import RealView, Seen, View
    from storage.folders import folder_at
    from storage.plugins import configure

    took, count = {"stand-in network": 0.0}, int(num_pictures)
    look = FeatureNetwork.look

    def timed(network: FeatureNetwork, pictures: np.ndarray) -> np.ndarray:
        begun = time.perf_counter()
        found = look(network, pictures)
        took["stand-in network"] += time.perf_counter() - begun
        return found

    FeatureNetwork.look = timed  # type: ignore[method-assign, assignment]
    view = View(INCEPTION, "legacy_tensorflow")
    eyes = Eyes(folder_at(folder), view)
    begun = time.perf_counter()
    real = eyes.look(pictures(1, count), of="real pictures")
    fresh = eyes.look(pictures(2, count), of="samples")
    took["pictures, digests and files"] = time.perf_counter() - begun - took["stand-in network"]
    reference = Reference(name="real", split="train", digest="0" * 64, count=count)
    one = np.zeros((count, 1), np.float32)
    seen = Seen("0" * 64, fresh, fresh, {"train": RealView(reference, real.features, None)})
    samples = EvaluationSamples(one, one, one, one, one, one, one, seen={view: seen})
    for name in METRICS:
        metric = configure(GROUP, name)
        assert isinstance(metric, NetworkMetric)
        begun = time.perf_counter()
        metric.estimates(samples)
        took[name] = time.perf_counter() - begun
    print(json.dumps(took))


def look_at_real(folder: str, num_pictures: str) -> None:
    """The pass over real pictures, which is made once for all students."""
    from kdm.evaluate.network_views import Eyes
    from kdm.metrics.network_metric import INCEPTION
    from kdm.metrics.views import View
    from storage.folders import folder_at

    Eyes(folder_at(folder), View(INCEPTION, "legacy_tensorflow")).look(
        pictures(1, int(num_pictures)), of="real pictures"
    )


def inception_alone(_folder: str, num_pictures: str) -> None:
    """Seconds that Inception's layers would take for all pictures."""
    import torch

    from kdm.evaluate.pytorch_fid_network import PytorchFidNetwork, empty_network

    network = empty_network().to_empty(device="cpu")
    for values in network.state_dict().values():
        if values.is_floating_point():
            values.uniform_(0, 0.1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        torch.save(network.state_dict(), path)
        eye = PytorchFidNetwork(path)
    given = pictures(3, NUM_TIMED + 50)
    eye.look(given[:50])
    begun = time.perf_counter()
    eye.look(given[50:])
    print((time.perf_counter() - begun) * int(num_pictures) / NUM_TIMED)


def pictures(seed: int, count: int) -> np.ndarray:
    """Bytes [n, 3, 32, 32]: coarse patterns with noise, other ones for each seed."""
    stream = np.random.RandomState(seed)
    coarse = stream.randint(0, 200, (count, 3, 4, 4)).astype(np.uint8)
    found = coarse.repeat(8, axis=2).repeat(8, axis=3)
    found += stream.randint(0, 56, found.shape, dtype=np.uint8)
    return found


def write_stand_in(folder: Path) -> None:
    """The network, under the published file's name."""
    import warnings

    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn

    from kdm.metrics.network_metric import INCEPTION

    class Layers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.filters = nn.Conv2d(3, NUM_FEATURES // 16, 16, stride=8)
            self.pool = nn.AdaptiveAvgPool2d((4, 4))

        def forward(self, x: Tensor) -> Tensor:
            return self.pool(self.filters(x).relu()).flatten(1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Layers()
            self.output = nn.Linear(NUM_FEATURES, NUM_CLASSES)

        def forward(
            self, img: Tensor, return_features: bool = False, no_output_bias: bool = False
        ) -> Tensor:
            x = F.interpolate(img.float(), size=(299, 299), mode="bilinear")
            features = self.layers((x - 128) / 128)
            if return_features:
                return features
            if no_output_bias:
                return F.linear(features, self.output.weight).softmax(1)
            return self.output(features).softmax(1)

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Network().eval()).save(str(folder / INCEPTION))
