"""Celery: tasks of a few lines that take ids. A task is a nudge: acknowledged on receipt, without
result or countdown; due times live in the database and the sweep finds what a lost task left.
"""

import gc
import os
import signal
from functools import lru_cache
from importlib import import_module
from typing import Any

import redis
from celery import Celery, bootsteps, signals
from kombu.entity import Queue

from hub import alive, clock, db, nudges, settings, stopping, subscribing
from hub.dispatch import displays, fanout, lanes, leases, messengers
from hub.vocabulary import Lane

QUEUES = ("urgent", "normal", "bulk", "ingest")
MOST_QUEUED = 1_000


@lru_cache(maxsize=1)
def app() -> Celery:
    """The Celery application of this instance."""
    made = Celery("tambour")
    made.conf.update(
        broker_url=settings.get().redis or "memory://",
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        task_default_queue="normal",
        task_queues=[Queue(name) for name in QUEUES],  # type: ignore[no-untyped-call]
        task_serializer="json",
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 5},
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        # A task hangs only when an adapter ignores its own time-outs.
        task_time_limit=900,
    )
    made.task(name="display")(display)
    made.task(name="delivery")(delivery)
    made.task(name="source")(source)
    made.task(name="confirm")(confirm)
    return made


def display(outlet_id: int) -> None:
    displays.work(outlet_id)


def delivery(delivery_id: int) -> None:
    messengers.work(delivery_id)


def source(source_id: int) -> None:
    import_module("hub.polling").poll(source_id)


def confirm(subscription_id: int) -> None:
    subscribing.send_confirmation(subscription_id)


def send(what: str, row_id: int, lane: Lane) -> None:
    """A nudge: `what` is the task's name. At most a second is lost when Redis is away."""
    app().send_task(what, args=[row_id], queue=_queue(what, lane), retry=False)


def crowded(what: str, lane: Lane) -> bool:
    """Whether the queue of such a nudge is long already; asked at most once a second."""
    return _length(_queue(what, lane), int(clock.monotonic())) >= MOST_QUEUED


def _queue(what: str, lane: Lane) -> str:
    return "ingest" if what == "source" else lane.value


@lru_cache(maxsize=8)
def _length(queue: str, _second: int) -> int:
    try:
        return int(_redis(settings.get().redis).llen(queue))
    except redis.RedisError:
        return 0  # away, or new and empty: the nudge finds out


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def use_celery_for_nudges() -> None:
    """In web, workers and beat; where no Redis is set, rows wait for somebody to work them."""
    if settings.get().redis:
        nudges.use(send, crowded)
    else:
        nudges.use(None)


def run(queues: str, name: str, concurrency: int, nice: int = 0) -> None:
    """The worker role. `name` is unique on this instance: what the same worker held before it was
    killed is released at its start."""
    unknown = set(queues.split(",")) - set(QUEUES)
    if unknown:
        raise ValueError(f"unknown queues: {', '.join(sorted(unknown))}; there are {QUEUES}")
    leases.name_this_worker(name)
    lanes.serve([Lane(queue) for queue in queues.split(",") if queue in set(Lane)])
    stopping.arm()
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)
    db.dispose()
    if nice:
        os.nice(nice)
    use_celery_for_nudges()
    _Alive.role = name
    app().steps["consumer"].add(_Alive)
    app().worker_main(
        [
            "worker",
            f"--queues={queues}",
            f"--hostname={name}@%h",
            f"--concurrency={concurrency}",
            "--pool=prefork",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


class _Alive(bootsteps.StartStopStep):  # type: ignore[misc]
    """Signs for the worker while its consumer is connected and its loop turns."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    role = ""

    def start(self, parent: Any) -> None:
        alive.sign(self.role)
        self._timer = parent.timer.call_repeatedly(alive.PERIOD_S, alive.sign, (self.role,))

    def stop(self, parent: Any) -> None:
        self._timer.cancel()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _ending(**_: object) -> None:
    """SIGTERM: who has a slice in hand closes it and hands its shard back."""
    stopping.ask()


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _forked(**_: object) -> None:
    """Connections are made after fork, one set a process."""
    use_celery_for_nudges()
    settle_memory()
    signal.signal(signal.SIGTERM, _told_to_end)


def settle_memory() -> None:
    """What is imported stays for good: the collector need not look at it again and again. A slice
    makes thousands of short-lived objects, and looking at all the others cost it a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _told_to_end(*_: object) -> None:
    """A child that is told itself (a signal to the whole group) ends after its slice, too."""
    stopping.ask()
    if not fanout.working():
        raise SystemExit(0)
