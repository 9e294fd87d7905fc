#!/usr/bin/env bash
# torch's CPU generator takes a 64-bit seed, reports it back, and uses its lower half only.
#
# Version:    torch 2.13.0, CPU.
# Surprising: manual_seed documents the range up to 0xffff_ffff_ffff_ffff, refuses what lies beyond, and
#             initial_seed() returns all 64 bits. Nothing says that half of them are dropped.
# Behaviour:  the CPU's Mersenne Twister is set up from the seed as a 32-bit number.
# Seen:       seeds 5, 5 + 2**32 and 5 + 7 * 2**32 give the same rand, randn and randperm. So with a seed put
#             together as (run << 32) + index every run draws the same noise. Of seeds that are 64-bit hashes,
#             77,000 have an even chance that two of them collide, where 5,000,000,000 were expected.
# Instead:    fold a long seed into 32 bits by a hash, so that all of it counts, or seed numpy's SeedSequence and
#             pass its 32-bit state on. Expect collisions from some ten thousand streams on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys

import torch


def draws(seed):
    generator = torch.Generator().manual_seed(seed)
    assert generator.initial_seed() == seed
    rand, randn = torch.rand(64, generator=generator), torch.randn(64, generator=generator)
    return torch.cat([rand, randn, torch.randperm(64, generator=generator)])


def equal(a, b):
    return torch.equal(draws(a), draws(b))


pairs = {
    (5, 5 + 2**32): True,
    (5, 5 + 7 * 2**32): True,
    ((1 << 32) + 3, (2 << 32) + 3): True,  # run 1 and run 2, index 3
    (5, 6): False,
    ((1 << 32) + 3, (1 << 32) + 4): False,
}
for (a, b), same in pairs.items():
    print(f"{a:#x} and {b:#x}: {'the same' if equal(a, b) else 'other'} numbers")
    if equal(a, b) is not same:
        sys.exit("changed: the upper half of a seed counts")
PY
