"""In which numbers a trained student samples; its weights are float32 in either case."""

from typing import Literal

# bfloat16: layers compute in it under autocast, with sums over values and the result in float32.
SamplingPrecision = Literal["float32", "bfloat16"]
