#!/usr/bin/env bash
# numpy's lists of seeds collide: default_rng([seed, 0]) is default_rng(seed), and [3, 5] is one long number.
#
# Version:    numpy 2.4.6.
# Surprising: numpy's guide to parallel generators recommends default_rng([worker, seed]) as a safe way to get
#             one stream for each worker, and doesn't mention these cases.
# Behaviour:  SeedSequence cuts every number into 32-bit words, joins all words to one list and fills that up
#             with zeros to four words. So zeros at the end don't count, and the bounds between numbers are lost.
# Seen:       [7], [7, 0] and [7, 0, 0] give one stream: with seed 0, worker 7 draws what default_rng(7) draws.
#             [3, 5] is the stream of the single seed 3 + 5 * 2**32, and [2**32, 9] is that of [0, 1, 9].
#             Philox, PCG64, SFC64 and MT19937 all collide.
# Instead:    SeedSequence(seed, spawn_key=(worker,)) or .spawn(), which fill up before they append; or add a
#             last number that is never 0, and keep each number below 2**32.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from numpy.random import MT19937, PCG64, SFC64, Generator, Philox, SeedSequence


def draws(kind, seed):
    return Generator(kind(seed)).standard_normal(8)


collide = [([7], [7, 0]), ([7, 0], [7, 0, 0]), (7, [7, 0]), ([3, 5], 3 + 5 * 2**32), ([2**32, 9], [0, 1, 9])]
differ = [([7], [7, 1]), ([0, 7], [7, 0]), (7, SeedSequence(7, spawn_key=(0,)))]

changed = False
for pairs, expected in ((collide, True), (differ, False)):
    for a, b in pairs:
        equal = [np.array_equal(draws(kind, a), draws(kind, b)) for kind in (PCG64, Philox, SFC64, MT19937)]
        print(f"{a!s:>8}  {'==' if all(equal) else '!=' if not any(equal) else '??'}  {b}")
        changed |= any(e is not expected for e in equal)
sys.exit("changed: numpy's lists of seeds no longer collide as described" if changed else 0)
PY
