"""From rows to Notice, the only thing an adapter sees of a publication."""

from datetime import datetime
from urllib.parse import urlsplit

from hub import categories, settings
from hub.contracts import Image, Notice, Text
from hub.models import Authority, Publication, Revision, Station
from hub.schemas import Content
from hub.vocabulary import EndedAs, Intent, MsgType, lane_of


def sender_of(authority: Authority) -> str:
    """The CAP sender: unique, and guessable by a person (CAP 1.2 section 3.2.1)."""
    return f"{authority.code}@{urlsplit(settings.get().url).hostname}"


def reference(sender: str, identifier: str, sent: datetime) -> str:
    """A CAP reference: "sender,identifier,sent" with CAP's own form of the time."""
    return f"{sender},{identifier},{sent.strftime('%Y-%m-%dT%H:%M:%S')}-00:00"


def notice_of(
    revision: Revision,
    publication: Publication,
    authority: Authority,
    station: Station,
    intent: Intent,
    not_before: datetime | None = None,
) -> Notice:
    """The notice an outlet gets. `not_before` is the route's own hour, if the rules gave one."""
    content = Content.model_validate(revision.content)
    return _notice(
        content,
        authority,
        station,
        publication=publication.id,
        revision=revision.no,
        intent=intent,
        msg_type=MsgType(revision.msg_type),
        sent=revision.sent,
        first_sent=publication.first_sent or revision.sent,
        effective=max(revision.effective, not_before) if not_before else revision.effective,
        expires=revision.expires,
        ended_as=_ended_as(revision, publication, intent),
        references=tuple(revision.references),
    )


def _ended_as(revision: Revision, publication: Publication, intent: Intent) -> EndedAs | None:
    """A cancel is a revision and knows; an expiry is none, the publication knows."""
    if revision.ended_as:
        return EndedAs(revision.ended_as)
    if intent is Intent.WITHDRAW and publication.ended_as:
        return EndedAs(publication.ended_as)
    return None


def draft_notice(
    content: Content,
    authority: Authority,
    station: Station,
    now: datetime,
    *,
    publication: str = "0" * 26,
    revision: int = 1,
) -> Notice:
    """The notice that a draft would become if it were made at `now`."""
    effective, expires = span(content, now)
    return _notice(
        content,
        authority,
        station,
        publication=publication,
        revision=revision,
        intent=Intent.PUBLISH if revision == 1 else Intent.UPDATE,
        msg_type=MsgType.ALERT if revision == 1 else MsgType.UPDATE,
        sent=now,
        first_sent=now,
        effective=effective,
        expires=expires,
        ended_as=None,
        references=(),
    )


def span(content: Content, now: datetime) -> tuple[datetime, datetime]:
    """When the content counts: (effective, expires), both stated or from the category."""
    effective = content.effective or now
    start = max(effective, content.onset or effective, now)
    return effective, content.expires or start + categories.get(content.category).lasts


def _notice(
    content: Content,
    authority: Authority,
    station: Station,
    *,
    publication: str,
    revision: int,
    intent: Intent,
    msg_type: MsgType,
    sent: datetime,
    first_sent: datetime,
    effective: datetime,
    expires: datetime,
    ended_as: EndedAs | None,
    references: tuple[str, ...],
) -> Notice:
    category = categories.get(content.category)
    base = settings.get().url
    return Notice(
        publication=publication,
        revision=revision,
        intent=intent,
        msg_type=msg_type,
        status=content.status,
        scope=content.scope,
        sender=sender_of(authority),
        authority=authority.code,
        authority_name=authority.name,
        station=station.code,
        station_name=station.name,
        timezone=authority.timezone,
        category=category.key,
        cap_category=category.cap,
        category_labels=category.labels,
        event=content.event or category.label(authority.languages[0]),
        response_type=content.response_type,
        severity=content.severity,
        urgency=content.urgency,
        certainty=content.certainty,
        sent=sent,
        first_sent=first_sent,
        effective=effective,
        expires=expires,
        onset=content.onset,
        ended_as=ended_as,
        texts={
            language: Text(t.headline, t.description, t.instruction, t.short)
            for language, t in content.texts.items()
        },
        url=f"{base}/p/{publication}",
        area=content.area,
        area_desc=content.area_desc,
        references=references,
        images=tuple(
            Image(
                url=image.url if "://" in image.url else base + image.url,
                media_type=image.media_type,
                alt=image.alt,
            )
            for image in content.images
        ),
        lane=lane_of(content.severity, content.urgency),
    )
