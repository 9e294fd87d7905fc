"""`python -m kdm.training JOB.json [PARENT]`: do a training job (a path or URL) in a new process.

Progress comes as JSON lines on stdout, from the first rank if torchrun has started several. Errors
are one sentence on stderr. Exit codes:

0    the job is done
1    training broke down: a loss or a weight isn't finite
2    the job can't be done
3    another rank has left
143  stopped by SIGTERM or SIGUSR1, or because the parent (process PARENT, if given) has died: after a
     checkpoint, or without one if a step would have taken too long
"""

import os
import sys

from kdm.training.stop import TERMINATED, StopRequest
from storage.redaction import Redacting, redacted
from storage.startup import many_imports, replace_what_cannot_be_said

USER_ERROR, BROKE_DOWN, RANK_LOST = 2, 1, 3


def main(arguments: list[str]) -> int:
    """Run the job that a JSON file describes; the exit code."""
    replace_what_cannot_be_said()
    if len(arguments) not in (1, 2) or not all(each.isdigit() for each in arguments[1:]):
        return _say("usage: python -m kdm.training JOB.json [PARENT]", USER_ERROR)
    parent = int(arguments[1]) if len(arguments) == 2 else None
    # Entered before torch is imported, which takes a second in which SIGTERM may come.
    with Redacting(), StopRequest(parent) as should_stop:
        return _run(arguments[0], should_stop)


def _run(url: str, should_stop: StopRequest) -> int:
    """Read and run the job; what ended it becomes a message and an exit code."""
    with many_imports():
        from kdm.collective import RankLostError
        from kdm.training.checkpoint import standing
        from kdm.training.errors import Interrupted, NonFiniteError
        from kdm.training.job_folder import read_job
        from kdm.training.progress import JsonLines
        from kdm.training.run_job import run_job
        from storage.errors import StoreError

    try:
        job = read_job(url)
        should_stop.last_words = lambda: standing(job.folder)
        run_job(job, report=JsonLines(sys.stdout), should_stop=should_stop)
    except Interrupted as interruption:
        return _say(str(interruption), TERMINATED)
    except RankLostError as error:
        return _say(str(error), RANK_LOST)
    except NonFiniteError as error:
        return _say(str(error), BROKE_DOWN)
    except (ValueError, StoreError) as error:
        return _say(str(error), USER_ERROR)
    return 0


def _say(sentence: str, code: int) -> int:
    """Write one sentence to stderr; the exit code, unchanged."""
    # What happens to all ranks at once is reported by the first alone.
    if code in (TERMINATED, BROKE_DOWN) and os.environ.get("RANK", "0") != "0":
        return code
    sys.stderr.write(redacted(sentence) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
