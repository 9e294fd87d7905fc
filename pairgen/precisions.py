"""In which arithmetic a teacher's networks can work."""

from typing import Literal

Precision = Literal["float32", "tf32", "bfloat16", "float16"]
