"""LED panels over MQTT 5: the whole plan of a panel, retained and signed, said in one message."""

import base64
import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field, field_validator, model_validator

from channels.panels import jws, keys, loop, model, picture, plan, topics, wire
from channels.panels.compiler import Page, compile_notice
from channels.panels.listener import Listener
from channels.panels.timeline import timeline
from hub.contracts import (
    AdapterFailure,
    Health,
    Means,
    NotConfigured,
    Notice,
    OutletView,
    PermanentFailure,
    Refusal,
    Rendering,
    Report,
    Said,
    Saying,
    StrictOptions,
    TemporaryFailure,
)
from hub.vocabulary import Intent

Outgoings: TypeAlias = Iterator[wire.Outgoing]
_HOUR = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_WINDOW = r"^[1-7]{1,7} ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"


class PanelOptions(StrictOptions):
    """`model`: a file of config/panels. `languages`: what is shown, in this order; empty: the
    outlet's first. `night_off` and `night_on`: local hours between which the face is dark but for
    alerts. `data_month_mb`: what its link may carry in a month. `event_days`: an event is shown so
    many days before it. `windows`: "12345 07:00-22:00", when infos, events and reminders are shown.
    `serial` and `device_key` (base64url Ed25519 public key) name the device itself."""

    model: str = "text-8x16"
    languages: tuple[str, ...] = ()
    hold_ms: int | None = Field(None, ge=1000, le=60000)
    night_off: str | None = Field(None, pattern=_HOUR)
    night_on: str | None = Field(None, pattern=_HOUR)
    serial: str = Field("", max_length=64)
    device_key: str = ""
    data_month_mb: int | None = Field(None, ge=1, le=1_000_000)
    event_days: int | None = Field(None, ge=0, le=366)
    windows: tuple[Annotated[str, Field(pattern=_WINDOW)], ...] = Field((), max_length=14)

    @field_validator("model")
    @classmethod
    def _known(cls, name: str) -> str:
        model.load(name)
        return name

    @field_validator("device_key")
    @classmethod
    def _key(cls, text: str) -> str:
        if text and len(jws.unb64(text)) != 32:
            raise ValueError("must be 32 bytes in base64url")
        return text

    @model_validator(mode="after")
    def _whole_night(self) -> "PanelOptions":
        if (self.night_off is None) != (self.night_on is None):
            raise ValueError("night_off and night_on go together")
        return self

    @property
    def placing(self) -> loop.Placing:
        return loop.Placing(self.event_days, self.windows)

    @property
    def night(self) -> plan.Night | None:
        if self.night_off is None or self.night_on is None:
            return None
        return plan.Night(self.night_off, self.night_on)


class Panel:
    kind: ClassVar[str] = "panel"
    title: ClassVar[str] = "Panneau lumineux"
    Options: ClassVar[type[StrictOptions]] = PanelOptions

    def __init__(self, options: PanelOptions, means: Means) -> None:
        self.options, self.means = options, means

    @staticmethod
    def preview(
        notices: Sequence[Notice], options: PanelOptions, locale: str
    ) -> Rendering | Refusal:
        """The pages as text; `facts.pages` has them line by line for a drawing."""
        face = model.load(options.model)
        languages = options.languages or (locale,)
        hold_ms = options.hold_ms or face.hold_ms
        pages: list[Page] = []
        warnings: list[str] = []
        seen: list[dict[str, Any]] = []
        for notice in notices:
            if notice.intent is Intent.WITHDRAW:
                continue
            compiled = compile_notice(notice, face, languages, hold_ms, locale)
            if isinstance(compiled, Refusal):
                return compiled
            pages += compiled.pages
            warnings += compiled.warnings
            hold = sum(page.hold_ms for page in compiled.pages)
            seen.append(loop.facts(notice, plan.kind(notice), hold, options.placing))
        facts = {
            "model": face.name,
            "columns": face.columns,
            "lines": face.lines,
            "colour": face.colour,
            "pages": [_drawn(page, face) for page in pages],
            "seen": seen,
        }
        text = "\n\n".join("\n".join(line for line in p.lines if line) for p in pages)
        return Rendering(text, facts, tuple(warnings))

    def show(
        self, outlet: OutletView, notices: Sequence[Notice], ended: Sequence[Notice], now: datetime
    ) -> Said:
        """Publish the plan under `outlet.say_no` and wait for the broker to take it. What is ended
        is simply not in it."""
        (said,) = self.show_many([Saying(self, outlet, notices, now)])
        if isinstance(said, AdapterFailure):
            raise said
        return said

    @staticmethod
    def show_many(sayings: Sequence[Saying]) -> list[Said | AdapterFailure]:
        """Many panels in one flight: an answer for each, in order. Never raises AdapterFailure."""
        answers: dict[int, Said | AdapterFailure] = {}
        brokers: dict[tuple[str, str, float], list[int]] = {}
        for index, saying in enumerate(sayings):
            means = saying.adapter.means
            broker = (means.broker_url, means.instance, means.timeout)
            brokers.setdefault(broker, []).append(index)
        maker = plan.Maker(_remembering())
        for broker, indexes in brokers.items():
            # Whose each message is; a message that only tidies up decides nothing.
            owners: list[int | None] = []

            def compose(
                indexes: list[int] = indexes, owners: list[int | None] = owners
            ) -> Outgoings:
                for index in indexes:
                    try:
                        answers[index], messages = sayings[index].adapter._say(
                            sayings[index], maker
                        )
                    except AdapterFailure as failure:
                        answers[index] = failure
                        continue
                    for outgoing in messages:
                        owners.append(index if outgoing.payload else None)
                        yield outgoing

            try:
                outcomes = wire.publisher(*broker).publish(compose())
            except (TemporaryFailure, NotConfigured) as failure:
                answers.update((index, failure) for index in indexes)
            else:
                for owner, trouble in zip(owners, outcomes, strict=True):
                    if owner is not None and trouble is not None:
                        answers[owner] = trouble
        return [answers[index] for index in range(len(sayings))]

    @classmethod
    def listener(cls, means: Means) -> "Panel":
        """The one that listens for all panels of this hub: it needs no outlet's options."""
        return cls(PanelOptions(), means)

    def listen(
        self,
        report: Callable[[Sequence[Report]], None],
        stop: Callable[[], bool],
        authorities: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Blocks until `stop()`. `authorities`: codes whose beacon must be there even while none of
        their panels has spoken yet."""
        Listener(self.means, report, stop, authorities).run()

    @staticmethod
    def sealed(payload: bytes, seal: str, device_key: str) -> bool:
        """Whether the device with this public key (base64url) signed these bytes."""
        try:
            jws.verify(payload, seal, jws.unb64(device_key))
        except ValueError:
            return False
        return True

    def outlook(
        self, outlet: OutletView, notices: Sequence[Notice], begin: datetime, end: datetime
    ) -> dict[str, Any]:
        """When each publication will be seen between two moments, and how often, the link being
        well: `items` in the order of the plan, `dark` from-to pairs; moments as datetimes."""
        made = self._made(outlet, notices, begin, plan.Maker())
        body, face = json.loads(made.payload), model.load(self.options.model)
        answer = timeline(body, begin, end)
        return {
            "items": [
                {
                    "publication": seen.pub,
                    "first": seen.first,
                    "last": seen.last,
                    "plays": round(seen.plays),
                    "seconds": round(seen.seconds),
                    "longest_wait_s": round(seen.longest_wait_s),
                    "priority": item["priority"],
                    "kind": item["kind"],
                    "preempts": item["activation"] == "preempt",
                    "pages": [_exact(page, face) for page in made.pages[seen.pub]],
                }
                for seen, item in zip(answer.items, body["items"], strict=True)
            ],
            "dark": [(s.begin, s.end) for s in answer.stretches if s.dark],
            "refused": {p: f"{r.reason} {r.what_would_fit}" for p, r in made.refused.items()},
        }

    def check(self) -> Health:
        try:
            wire.publisher(self.means.broker_url, self.means.instance, self.means.timeout).probe()
        except AdapterFailure as failure:
            return Health(False, failure.reason)
        return Health(True, "Le serveur MQTT répond.")

    def close(self) -> None:
        """The connection belongs to the process; `wire.close_all` ends it."""

    def _made(
        self, view: OutletView, notices: Sequence[Notice], now: datetime, maker: plan.Maker
    ) -> plan.Made:
        return maker.make(
            view,
            notices,
            model.load(self.options.model),
            now,
            languages=self.options.languages,
            hold_ms=self.options.hold_ms,
            night=self.options.night,
            placing=self.options.placing,
        )

    def _say(self, saying: Saying, maker: plan.Maker) -> tuple[Said, list[wire.Outgoing]]:
        """What is said, and its messages in their order: the keys, if they ever changed, before the
        plan that may be signed by a new one; pictures that the panel does not have yet, the plan
        that names them, the end of pictures that it names no longer."""
        view = saying.outlet
        if len(view.signing_key) != 32:
            raise NotConfigured(
                "L'autorité n'a pas de clé pour signer ce que montrent ses panneaux."
            )
        try:
            topic = topics.topic(view.authority, view.code, topics.PLAN)
            changed_keys = keys.outgoing(view)
        except topics.BadName as error:
            raise PermanentFailure(
                f"Le code « {view.code} » ne peut pas nommer un panneau sur le serveur MQTT."
            ) from error
        made = self._made(view, saying.notices, saying.now, maker)
        signature = jws.sign(made.payload, view.signing_key, view.key_id)
        said = Said(
            shown=False,
            refused=made.refused,
            next_change_at=made.next_change_at,
            pages=made.pages,
            evidence=made.evidence,
        )
        messages = [] if changed_keys is None else [changed_keys]
        messages += [
            wire.Outgoing(_image(view, key), made.images[key].png())
            for key in sorted(made.images.keys() - set(view.images))
        ]
        messages.append(wire.Outgoing(topic, made.payload, {"jws": signature}))
        messages += [
            wire.Outgoing(_image(view, key), b"")
            for key in sorted(set(view.images) - made.images.keys())
        ]
        return said, messages


def _image(view: OutletView, key: str) -> str:
    return topics.topic(view.authority, view.code, topics.IMAGE, key)


def _drawn(page: Page, face: model.Model) -> dict[str, Any]:
    """A page for a drawing: its words, and what the face shows dot by dot (PNG, base64)."""
    dots = picture.dots(page, face)
    return {
        "lines": list(page.lines),
        "hold_ms": page.hold_ms,
        "png": base64.b64encode(dots.png()).decode(),
        "width": dots.width,
        "height": dots.height,
    }


def _exact(page: Mapping[str, Any], face: model.Model) -> dict[str, Any]:
    """A page of a plan with what the face shows of it."""
    if "png" in page:
        return dict(page)
    return {**page, **_drawn(Page(tuple(page["lines"]), page["hold_ms"], page["hash"]), face)}


def _remembering() -> plan.Prepare:
    """`plan.prepare` that compiles a revision once for all panels of a model."""
    done: dict[Hashable, plan.Item | Refusal] = {}

    def prepare(
        notice: Notice, face: model.Model, languages: tuple[str, ...], hold_ms: int, locale: str
    ) -> plan.Item | Refusal:
        key = (notice.identifier, notice.lane, notice.effective, face.name, languages, hold_ms,
               locale)  # fmt: skip
        if key not in done:
            done[key] = plan.prepare(notice, face, languages, hold_ms, locale)
        return done[key]

    return prepare
