"""Decides which troubles a board must say in words, and how: PBX out of sight, CRM link down, box unwell, clock not set. Pure.

And two that concern callers: an extraordinary call ☎, whose supervisor must come, and a VIP who waits ★. They differ by shape and word, not
by colour alone: the link ▲, the PBX ✕, the box ◆ (each medium draws its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from appliance.core.clock import wall_ns_from_rfc3339
from appliance.core.line_config import LINES
from appliance.floor.classify import is_of_call
from appliance.floor.snapshot import Alarm, Health, Pbx, Queue, Snapshot
from wallboard.moment import age_s, local_time
from wallboard.tile import span_text
from wallboard.words import Words, clock_text

Trouble = Literal["call", "link", "pbx", "box", "clock", "vip"]


class Banner(Struct, frozen=True):
    """One trouble in words: what, and its details in order of importance. `short` is for ten characters of LED.

    `value`: the duration that matters most, for a medium that says one thing at a time.
    """

    trouble: Trouble
    state: str
    text: str
    short: str
    details: tuple[str, ...] = ()
    severe: bool = True
    value: str = ""


#: What is for the technician as long as it is amber: `callfloor doctor` and the CRM tell it, a floor cannot mend it.
_FOR_DOCTOR: Final = frozenset(("power", "temperature", "memory", "card"))


def banners(
    snapshot: Snapshot, words: Words, now_wall_ns: int, zone: ZoneInfo, *, names: bool = False, vips: Sequence[Queue] = ()
) -> tuple[Banner, ...]:
    """Every trouble that a board must say in words, gravest first. `names`: agents may be named; `vips`: queues whose VIPs concern it."""
    out = [_call_banner(alarm, snapshot, words, now_wall_ns, zone, names) for alarm in snapshot.alarms if is_of_call(alarm.id)]
    out += [banner for key, pbx in snapshot.pbx.items() if (banner := _pbx_banner(key, pbx, len(snapshot.pbx), words, now_wall_ns, zone))]
    link = _link_banner(snapshot, words, now_wall_ns, zone)
    if link:
        out.append(link)
    out += [
        Banner("box", item.level, words.text("box.fault"), item.id.upper(), (health_text(words, item),), item.level == "red")
        for item in snapshot.health
        if item.level == "red" or (item.level == "amber" and item.id not in _FOR_DOCTOR)
    ]
    if snapshot.clock == "unset":
        out.append(Banner("clock", "unset", words.text("clock.unset"), words.text("clock.unset"), (), severe=False))
    out += _vip_banner(vips, words, now_wall_ns)
    return tuple(sorted(out, key=lambda banner: not banner.severe))


def _call_banner(alarm: Alarm, snapshot: Snapshot, words: Words, now_wall_ns: int, zone: ZoneInfo, names: bool) -> Banner:
    """An extraordinary call: at which seat; where none is known, whose it is, if agents may be named. Never who called."""
    agent = (snapshot.agents or {}).get(alarm.agent or "")
    where = [words.text("seat", n=alarm.seat.upper())] if alarm.seat else [agent.name] if names and agent and agent.name else []
    seen = [] if alarm.acknowledged is None else [words.text("acknowledged")]
    details = (*where, *seen, _since(alarm.since, words, now_wall_ns, zone))
    text, short = words.text("call.extraordinary"), words.text("short.call.extraordinary")
    return Banner("call", alarm.level, text, f"{short} {alarm.seat.upper()}" if alarm.seat else short, details, severe=not seen)


def _vip_banner(queues: Sequence[Queue], words: Words, now_wall_ns: int) -> list[Banner]:
    """The VIP who waits longest, in which queue, and then those of others. Of a queue out of sight nobody knows whether they still wait."""
    waiting = [queue for queue in queues if queue.fresh == "live" and queue.vip_waiting and queue.vip_longest_since]
    if not waiting:
        return []
    waiting.sort(key=lambda queue: queue.vip_longest_since or "")
    clocks = [clock_text(age_s(queue.vip_longest_since or "", now_wall_ns)) for queue in waiting]
    counts = [f" ({words.number(count)})" if (count := queue.vip_waiting or 0) > 1 else "" for queue in waiting]
    details = tuple(f"{clock} {queue.title or ''}{count}" for clock, queue, count in zip(clocks, waiting, counts, strict=True))
    text, short = words.text("vip_wait"), words.text("short.vip_wait")
    return [Banner("vip", "waiting", text, short, details, severe=False, value=clocks[0])]


def health_text(words: Words, item: Health) -> str:
    """What is wrong with the box, in the board's language; what has no words of its own says what its event says, in English.

    >>> from wallboard.words import words_of
    >>> health_text(words_of("es"), Health(id="service.uplink", level="red", text="no progress for 40 s"))
    'Servicio detenido: uplink'
    """
    told = item.text or item.id
    family, _, name = item.id.partition(".")
    if words.language == "en":
        return told
    if f"health.{item.id}" in words.texts:
        return words.text(f"health.{item.id}")
    return words.text(f"health.{family}.named", n=name) if name and f"health.{family}.named" in words.texts else told


def _pbx_banner(key: str, pbx: Pbx, of: int, words: Words, now_wall_ns: int, zone: ZoneInfo) -> Banner | None:
    if pbx.state == "up":
        return None
    details = () if pbx.since is None else (_since(pbx.since, words, now_wall_ns, zone),)
    named = details if of == 1 else (key, *details)
    severe = pbx.state != "resyncing"
    if key == LINES:
        return Banner("pbx", pbx.state, words.text("lines.down"), words.text("short.lines.down"), details, severe)
    return Banner("pbx", pbx.state, words.text(f"pbx.{pbx.state}"), words.text("short.pbx.down"), named, severe)


def _link_banner(snapshot: Snapshot, words: Words, now_wall_ns: int, zone: ZoneInfo) -> Banner | None:
    crm = snapshot.crm
    if crm.state in {"up", "off"}:
        return None
    held = f"{words.text('held')} {words.number(crm.backlog)}"
    details = [held]
    if crm.oldest is not None:
        details.append(f"{words.text('oldest')} {clock_text(age_s(crm.oldest, now_wall_ns))}")
    if crm.state == "draining":
        if crm.drain_s is not None:
            details.append(words.text("to_go", t=clock_text(crm.drain_s)))
    else:
        if crm.since is not None:
            details.insert(0, _since(crm.since, words, now_wall_ns, zone))
        if crm.full_in_s is not None:
            details.append(words.text("fills_in", t=span_text(words, crm.full_in_s)))
    short = words.texts.get(f"short.link.{crm.state}", words.text("short.link.down"))
    return Banner("link", crm.state, words.text(f"link.{crm.state}"), short, tuple(details), crm.state != "draining")


def _since(moment: str, words: Words, now_wall_ns: int, zone: ZoneInfo) -> str:
    at = local_time(wall_ns_from_rfc3339(moment), zone)
    return f"{words.text('since', t=at)} ({clock_text(age_s(moment, now_wall_ns))})"
