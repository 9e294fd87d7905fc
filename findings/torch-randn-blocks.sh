#!/usr/bin/env bash
# torch.randn isn't a stream: sizes that aren't multiples of 16 change numbers that were already drawn.
#
# Version:    torch 2.13.0, CPU.
# Surprising: it's known that randn takes another path from 16 numbers on. Above that, noise for 1,000 samples is
#             expected to begin with the noise for 999, and to equal what two draws of 500 give, as torch.rand
#             and numpy's generators do it.
# Behaviour:  whole blocks of 16 are made in place. If some numbers are left over, the *last 16* are drawn afresh
#             from 16 new words, over a part of the block before. So the final numbers of every such draw belong
#             to no stream, and the generator has gone further than the size says.
# Seen:       of randn(24), 8 numbers equal those of randn(32); the other 16 don't. Points in the plane: in batches
#             of 250 (500 numbers) instead of 1,000 at once (2,000 numbers), all but the first 242 points differ.
#             Batches of 256 equal one draw. randn(24) leaves the generator where rand(40) leaves it.
# Instead:    draw by sample (one generator or counter for each) or in multiples of 16 numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys

import torch


def at_once(kind, *size):
    return kind(*size, generator=torch.Generator().manual_seed(0))


def in_batches(kind, count, batch):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([kind(batch, 2, generator=generator) for _ in range(count // batch)])


def next_after(kind, count):
    generator = torch.Generator().manual_seed(0)
    kind(count, generator=generator)
    return torch.rand(1, generator=generator).item()


prefix = {
    (kind.__name__, n): int((at_once(kind, n) == at_once(kind, 32)[:n]).sum())
    for kind in (torch.rand, torch.randn)
    for n in (16, 24, 31)
}
print("numbers equal to those of a draw of 32:", prefix)

equal = {}
for kind in (torch.rand, torch.randn):
    for count, batch in ((1000, 250), (1024, 256)):
        rows = (in_batches(kind, count, batch) == at_once(kind, count, 2)).all(1)
        first = count if rows.all() else int((~rows).nonzero()[0])
        equal[kind.__name__, batch] = int(rows.sum())
        print(f"{kind.__name__}: {count} points in batches of {batch}: {equal[kind.__name__, batch]} equal one draw's, "
              f"the first {first} among them")

further = next_after(torch.randn, 24) == next_after(torch.rand, 40) != next_after(torch.rand, 24)
print("randn(24) leaves the generator where rand(40) does:", further)

expected = {("rand", 16): 16, ("rand", 24): 24, ("rand", 31): 31, ("randn", 16): 16, ("randn", 24): 8, ("randn", 31): 15}
as_stream = equal["rand", 250] == 1000 and equal["rand", 256] == 1024 and equal["randn", 256] == 1024
if prefix != expected or not as_stream or equal["randn", 250] > 500 or not further:
    sys.exit("changed: torch.randn no longer redraws its last 16 numbers")
PY
