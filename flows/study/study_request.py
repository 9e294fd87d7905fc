"""What a user asks for: a study, the data it is made on, and how many points run side by side."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StudyRequest:
    """Plain values; nothing is checked before the study is read."""

    study: str
    on: str
    home: str = ""
    device: str = "auto"
    jobs: int | None = None  # None: one per core
