"""kill -9 of a training of pictures inside a checkpoint's write: it ends with the same bits."""

import safetensors.torch
from faults.picture_training import NUM_STEPS, kill_and_resume, result, train_here, write_job

from storage.folders import Folder

# What there is beside weights, so that all of it is compared.
STATES = {"ema", "players/critic", "optimisers/critic", "optimisers/student"}


def test_a_training_of_pictures_killed_while_it_writes_ends_with_the_same_bits(
    home: Folder,
) -> None:
    whole, killed = (write_job(home, name) for name in ("whole", "killed"))
    train_here(whole)
    kills = list(kill_and_resume(killed, seed=3, num_kills=1, pace=0.2, modes=("in a write",)))
    train_here(killed)
    assert result(killed) == result(whole), kills
    tensors = safetensors.torch.load(result(whole)[f"checkpoints/step-{NUM_STEPS:08d}.safetensors"])
    assert all(any(name.startswith(state) for name in tensors) for state in STATES)
