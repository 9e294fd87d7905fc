"""A student's samples beside its teacher's, as one picture."""

from kdm.analyze.sample_plots import samples_beside_teacher
from kdm.metrics.samples import EvaluationSamples
from kdm.report.picture_figures import beside_teacher, is_image


def sample_picture(samples: EvaluationSamples, name: str) -> bytes | None:
    """A PNG: points in the plane, or rows of images below the teacher's; None for other shapes."""
    shape = samples.shape
    if shape == (2,):
        return samples_beside_teacher(samples.reference, samples.fresh_x_0_hat, student=name)
    models = [("teacher", samples.sets["x_0"]), (name, samples.sets["x_0_hat"])]
    return beside_teacher(models, samples.label) if is_image(shape) else None
