"""Is this hub well? A hub that can say "I am blind" (`/health`), and figures (`/metrics`)."""

from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func
from sqlmodel import col, select

from hub import clock, db, incidents, memos, monitoring, settings, space
from hub.models import Attempt, Breaker, Delivery, DisplayRow, Source, Subscription
from hub.vocabulary import SourceHealth

SWEEP_RED_S = 10
SYNTHETIC_RED_S = 900
_HIJACKED = "somebody else may decide what this display shows"
_MOST_NAMED = 20


def health() -> dict[str, Any]:
    """`ok` and every reason it is not; ages in seconds."""
    now = clock.now()
    reasons = []
    with db.reading(db.EVERYWHERE) as session:
        swept = memos.read(session, "sweep")
        hold = memos.read(session, "clock.hold")
        second = memos.read(session, "second_hub")
        synthetic = memos.read(session, "synthetic")
        refused = memos.read(session, "push.refused")
        alone = [
            {"host": row.host, "until": clock.rfc3339(row.until), "reason": row.reason}
            for row in session.exec(select(Breaker).order_by(Breaker.host)).all()
        ]
        hijacks = incidents.named(session, incidents.HIJACK)
        deaf = monitoring.deaf(session, now)
    sweep_age = _age(swept.at if swept else None, now)
    if sweep_age is None or sweep_age > SWEEP_RED_S:
        reasons.append("the sweep does not run: nothing due is found (role beat)")
    if hold and hold.number:
        reasons.append(f"messengers wait: {hold.text}; confirm the time with `tambour clock`")
    if second and second.number:
        reasons.append(f"another hub speaks on this broker ({second.text}): panels are not told")
    if deaf:
        reasons.append("nobody hears the panels: the listener or its broker is away (role panels)")
    reasons += [f"{outlet.name}: {_HIJACKED}" for outlet in {o.id: o for _, o in hijacks}.values()][
        :_MOST_NAMED
    ]
    if refused and now - refused.at < timedelta(hours=1):
        reasons.append(f"a push host refuses our signature: {refused.text}")
    if space.short():
        left = f"{space.free() // 1_000_000} MB left"
        reasons.append(f"the disk is nearly full ({left}): bulk deliveries wait")
    synthetic_age = _age(synthetic.at if synthetic else None, now)
    if synthetic_age is not None and synthetic_age > SYNTHETIC_RED_S:
        reasons.append("the synthetic publication did not come through")
    current = settings.get()
    return {
        "ok": not reasons,
        "reasons": reasons,
        "time": clock.rfc3339(now),
        "sweep_age_s": sweep_age,
        "synthetic_age_s": synthetic_age,
        "push_hosts_left_alone": [one for one in alone if "/" not in one["host"]],
        "providers_left_alone": [one for one in alone if "/" in one["host"]],
        "database": db.engine().dialect.name,
        "allow_private": sorted(current.policy.allow_private),
        "testing": current.testing,
        "clock_offset_s": clock.offset().total_seconds(),
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    return round((now - at).total_seconds(), 1) if at else None


def metrics() -> bytes:
    """Prometheus text, read from the rows: the same on every web process."""
    figures = CollectorRegistry()

    def gauge(name: str, help_: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"tambour_{name}", help_, labels, registry=figures)

    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        deliveries = gauge("deliveries", "Deliveries by kind and state", ("kind", "state"))
        for kind, state, count in session.exec(
            select(Delivery.kind, Delivery.state, func.count()).group_by(
                col(Delivery.kind), col(Delivery.state)
            )
        ).all():
            deliveries.labels(kind, state).set(count)
        due = select(func.count()).where(col(Delivery.due_at) <= now)
        gauge("deliveries_due", "Deliveries that wait for a worker").set(session.exec(due).one())
        behind = select(func.count()).where(DisplayRow.wanted_no != DisplayRow.shown_no)
        gauge("displays_behind", "Displays that do not show what is wanted").set(
            session.exec(behind).one()
        )
        phones = gauge("subscriptions", "Anonymous devices by state", ("state",))
        for state, count in session.exec(
            select(Subscription.state, func.count()).group_by(col(Subscription.state))
        ).all():
            phones.labels(state).set(count)
        gauge("hosts_left_alone", "Push hosts and providers whose breaker is open").set(
            session.exec(select(func.count()).select_from(Breaker)).one()
        )
        failing = select(func.count()).where(Source.health == SourceHealth.FAILING)
        gauge("sources_failing", "Sources whose last reading failed").set(
            session.exec(failing).one()
        )
        gauge("attempts", "Attempts ever made").set(
            session.exec(select(func.max(Attempt.id))).one() or 0
        )
        swept = memos.read(session, "sweep")
    gauge("sweep_age_seconds", "Age of the last sweep").set(
        (now - swept.at).total_seconds() if swept else -1
    )
    return generate_latest(figures)
