"""Prefect's server and its database killed in mid-run: golden bytes, and an end within two minutes."""

import random
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from conftest import Finished
from faults.journal import Journal, seeds
from faults.postgres import Postgres, own_postgres
from faults.servers import (
    OF_DATABASE,
    OF_SERVER,
    Trouble,
    deploy,
    faults_of_command,
    faults_of_deployment,
)
from local_prefect import QUIET_AND_QUICK, LocalPrefect

pytestmark = pytest.mark.faults

NUM_ROUNDS = 3  # of each kind of trouble
# With the patience for a lost server that users have.
AS_SHIPPED = {n: v for n, v in QUIET_AND_QUICK.items() if n != "PREFECT_CLIENT_MAX_RETRIES"}
HOW = (faults_of_command, faults_of_deployment)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[LocalPrefect, Postgres | None]]:
    """A server on either database, with all deployments."""
    prefect = LocalPrefect(tmp_path, AS_SHIPPED)
    if request.param == "sqlite":
        yield from _started(prefect, None)
        return
    with own_postgres() as postgres:
        prefect.of_server["PREFECT_API_DATABASE_CONNECTION_URL"] = postgres.url
        yield from _started(prefect, postgres)


def _started(
    prefect: LocalPrefect, postgres: Postgres | None
) -> Iterator[tuple[LocalPrefect, Postgres | None]]:
    try:
        prefect.start()
        deploy(prefect)
        yield prefect, postgres
    finally:
        prefect.kill()


def test_a_run_outlives_its_server_and_its_database(
    server: tuple[LocalPrefect, Postgres | None], finished: Finished, tmp_path: Path
) -> None:
    prefect, postgres = server
    kinds = OF_SERVER + (OF_DATABASE if postgres is not None else ())
    journal = Journal(f"server-{'postgresql' if postgres else 'sqlite'}")
    plan = list(product(range(NUM_ROUNDS), kinds, HOW))
    for seed in seeds(len(plan)):
        _, kind, faults_of = plan[seed]
        home = finished.copy(tmp_path / f"home-{seed}", "pairs", "students", "reports")
        trouble = Trouble(kind, prefect, postgres, random.Random(seed))
        try:
            wrong = faults_of(home, finished.digests, trouble, finished.seconds)
        finally:
            trouble.end()
        line = {"seed": seed, "how": faults_of.__name__, "events": trouble.events}
        journal.note(line | {"faults": wrong})
        shutil.rmtree(home)
    assert journal.failures == []
