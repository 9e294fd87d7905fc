"""A process that is asked to leave does, whatever it is in the midst of."""

import signal
import subprocess
import sys

from kdm.training.checkpoint import standing
from storage.folders import Folder

# One call that takes a minute and lets threads run, as a backward pass does: no handler is called within.
IN_ONE_CALL = """
import hashlib
from kdm.training.stop import StopRequest

with StopRequest(seconds=0.3) as is_asked:
    is_asked.last_words = lambda: "there was no time"
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)
"""
BY_ITSELF = """
import sys, time
from kdm.training.stop import StopRequest

with StopRequest(seconds=0.3) as is_asked:
    print("begun", flush=True)
    while not is_asked():
        time.sleep(0.01)
time.sleep(0.6)
sys.exit(7)
"""

ORPHANED = IN_ONE_CALL.replace("seconds=0.3", "parent=1, orphan_seconds=0.3")


def terminated(script: str) -> tuple[int, str]:
    """The exit code, and what was said on standard error, after SIGTERM."""
    command = [sys.executable, "-c", script]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=10)
    return child.returncode, said


def test_a_process_in_one_long_call_is_gone_soon_after_sigterm() -> None:
    assert terminated(IN_ONE_CALL) == (143, "there was no time\n")


def test_a_process_in_one_long_call_is_gone_soon_after_its_parent() -> None:
    command = [sys.executable, "-c", ORPHANED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (ended.returncode, ended.stderr) == (143, "there was no time\n")


def test_a_process_that_leaves_by_itself_is_not_cut_short() -> None:
    assert terminated(BY_ITSELF) == (7, "")


def test_the_last_words_say_from_which_step_the_same_command_goes_on(home: Folder) -> None:
    assert standing(home.url).endswith("starts again")
    (home / "checkpoints").replace("step-00001500.json", b"")
    (home / "checkpoints").replace(
        "step-00002000.safetensors", b""
    )  # without its record it is none
    assert standing(home.url).endswith("the same command continues from step 1,500")
