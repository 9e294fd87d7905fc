"""Digits as an evaluation's samples: a teacher that copies real ones, a student that errs."""

from functools import cache
from tempfile import TemporaryDirectory

import numpy as np

from kdm.datasets.digits import DigitsData
from kdm.evaluate.classifier_training import ClassifierOptions, known_classifier
from kdm.evaluate.evaluation_options import GROUP
from kdm.evaluate.picture_judge import PictureJudge, judge_of
from kdm.metrics.judgements import Judged
from kdm.metrics.network_metric import NetworkMetric
from kdm.metrics.perceived import Apart, Perceived, others
from kdm.metrics.protocol import Reference
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import RealView, Seen, Sight, View
from storage.folders import folder_at
from storage.plugins import configure, plugin_names

DATA = DigitsData()
NUM = 300  # samples of each set, thirty of each class, classes in turn


@cache
def judge() -> PictureJudge:
    """One that learned for a second: it tells nine digits of ten."""
    with TemporaryDirectory() as home:
        options = ClassifierOptions(num_epochs=3)
        return judge_of(known_classifier(folder_at(home), DATA, options), DATA)


def seen_by_the_judge(judged: Judged) -> dict[View, Seen]:
    """The classifier in a published network's place, for every view of the registered metrics."""
    of = Reference(name="digits", split="train", digest="0" * 64, count=len(DATA.train()))
    real = {"train": RealView(of, judged.real.train.features, None)}
    fresh, teachers = (Sight(*each) for each in (judged.fresh, judged.second_reference))
    own = Seen("0" * 64, fresh, teachers, real)
    metrics = [configure(GROUP, name) for name in plugin_names(GROUP)]
    return {each.view: own for each in metrics if isinstance(each, NetworkMetric)}


def perceived_by_pixels(x_T, x_0, x_0_hat, label) -> dict[str, Perceived]:
    """The mean squared error in a perceptual network's place."""
    rivals = x_0, x_0[others(x_T)], x_0[others(x_T, label)]
    own, teachers = (
        Apart(*(((samples - each).astype(float) ** 2).mean((1, 2, 3)) for each in rivals))
        for samples in (x_0_hat, x_0)
    )
    return {"lpips-to-teacher": Perceived("0" * 64, own, teachers)}


def picture_samples(error: float) -> EvaluationSamples:
    """Real digits, and a student's normal error of this size a pixel; the linear rival is a mean."""
    stream, label = np.random.RandomState(1), np.arange(NUM) % 10
    by_class = [np.flatnonzero(DATA.labels() == each)[: 4 * NUM // 10] for each in range(10)]
    rows = np.stack(by_class, axis=1).reshape(4, NUM)  # classes in turn
    heldout, fresh, reference, second = DATA.train()[rows]
    x_0_hat, fresh_x_0_hat = (
        (each + error * stream.standard_normal(each.shape)).astype(np.float32)
        for each in (heldout, fresh)
    )
    judged = judge().judged(fresh_x_0_hat, reference, second)
    x_T = stream.standard_normal(heldout.shape).astype(np.float32)
    return EvaluationSamples(
        x_T=x_T,
        x_0=heldout,
        x_0_hat=x_0_hat,
        fresh_x_T=stream.standard_normal(fresh.shape).astype(np.float32),
        fresh_x_0_hat=fresh_x_0_hat,
        reference=reference,
        second_reference=second,
        label=label,
        fresh_label=label,
        linear_x_0=np.broadcast_to(heldout.mean(axis=0), heldout.shape),
        judged=judged,
        perceived=perceived_by_pixels(x_T, heldout, x_0_hat, label),
        seen=seen_by_the_judge(judged),
    )
