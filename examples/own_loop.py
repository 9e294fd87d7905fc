"""Trains a network on the pairs `tiny`. Stop it at any time, and start it again.

It goes on from its last checkpoint. The result is the same as without a break, bit for bit.
"""

from pathlib import Path

import torch
from torch import nn

import kdm

CHECKPOINT = Path("own_loop.pt")

torch.manual_seed(0)
pairs = kdm.open_pairs("tiny")
model = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
batches = pairs.batches(256, seed=0, num_steps=1000)

if CHECKPOINT.exists():
    saved = torch.load(CHECKPOINT, weights_only=True)
    model.load_state_dict(saved["model"])
    optimiser.load_state_dict(saved["optimiser"])
    batches.load_state_dict(saved["batches"])

for batch in batches:
    loss = (model(batch.x_T) - batch.x_0).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    step = batch.state["step"]
    if step % 100 == 0:
        saved = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save({**saved, "batches": batches.state_dict()}, CHECKPOINT.with_suffix(".new"))
        CHECKPOINT.with_suffix(".new").replace(CHECKPOINT)  # never half a checkpoint
        print(f"step {step}: loss {loss.item():.4f}")

print(kdm.evaluate_student(model, pairs))
