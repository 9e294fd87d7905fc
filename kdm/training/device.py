"""Where a training runs, as a recipe says it; 'auto' is the GPU if torch finds one."""

from typing import Literal

Device = Literal["cpu", "cuda", "auto"]
