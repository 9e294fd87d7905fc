"""`kdm study NAME --on DATA`: runs a study, or shows its points."""

from flows.study.study_request import StudyRequest


def run_study(request: StudyRequest) -> None:
    """Run a study, or continue it."""
    show_points(request)


def show_points(request: StudyRequest) -> None:
    """Print its points."""
    raise ValueError(
        f"study '{request.study}' can't be run yet; 'kdm study list' lists the studies"
    )
