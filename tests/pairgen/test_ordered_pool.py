"""Work in threads: in order, never far ahead, and over when nobody wants it any longer."""

import threading
import time
import weakref

import pytest

from pairgen.ordered_pool import OrderedPool


class Thing:
    def __init__(self, number: int) -> None:
        self.number = number


def thing(job, channel):
    return Thing(job)


def slower_the_earlier(job, channel):
    time.sleep(0.02 * (job % 3 == 0))
    channel.send(job)
    return job


@pytest.mark.parametrize("num_workers", [1, 2, 3])
def test_what_is_made_comes_in_the_order_of_the_jobs(num_workers):
    said = []
    with OrderedPool([slower_the_earlier] * num_workers) as pool:
        assert list(pool.results(range(10), said.append)) == list(range(10))
    assert sorted(said) == list(range(10))


def test_what_is_said_of_a_job_is_heard_before_what_is_made_of_it():
    said = []
    with OrderedPool([slower_the_earlier] * 2) as pool:
        for job in pool.results(range(10), said.append):
            assert job in said


@pytest.mark.parametrize("num_workers", [1, 3])
def test_no_more_than_two_things_a_worker_lie_in_memory(num_workers):
    made = weakref.WeakSet()

    def counted(job, channel):
        found = Thing(job)
        made.add(found)
        return found

    with OrderedPool([counted] * num_workers) as pool:
        things = pool.results(range(50), print)
        for number in range(50):
            assert next(things).number == number
            time.sleep(0.002)
            assert len(made) <= 2 * num_workers


def test_a_workers_error_comes_where_its_thing_would_have_come():
    def failing(job, channel):
        if job == 2:
            raise ValueError("job 2 is bad")
        return job

    with OrderedPool([failing] * 3) as pool:
        made = pool.results(range(9), print)
        assert [next(made), next(made)] == [0, 1]
        with pytest.raises(ValueError, match="job 2 is bad"):
            next(made)


def test_workers_end_where_they_next_ask_once_nobody_waits():
    def endless(job, channel):
        while True:
            channel.require_open()
            time.sleep(0.001)

    before = threading.active_count()
    with OrderedPool([thing, endless]) as pool:
        next(pool.results(range(9), print))
    assert threading.active_count() == before
