"""Decides in which queues, groups and sites VIPs wait who concern those that look at a board: of what it shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from appliance.floor.snapshot import Queue, Snapshot
from wallboard.layout import EVERY_SITE, PageSpec, is_of_sites


def vip_queues(pages: Iterable[PageSpec], snapshot: Snapshot) -> dict[str, Queue]:
    """By alarm path, each with a title: of all queues of the floor where any page is about the whole of it.

    >>> waiting = {"ventas": Queue(vip_waiting=1), "cobros": Queue(vip_waiting=0), "soporte": Queue(title="Soporte", vip_waiting=2)}
    >>> floor = Snapshot(queues=waiting)
    >>> {path: queue.title for path, queue in vip_queues([PageSpec(kind="queue", queue="ventas")], floor).items()}
    {'queue.ventas': 'ventas'}
    >>> list(vip_queues([PageSpec(kind="queue", queue="ventas"), PageSpec(kind="agents")], floor))
    ['queue.ventas', 'queue.soporte']
    """
    out: dict[str, Queue] = {}
    whole = False
    for page in pages:
        if is_of_sites(page):
            sites = snapshot.sites or {}
            named = sites if EVERY_SITE in page.sites else {key: sites[key] for key in page.sites if key in sites}
            out |= {f"site.{key}": site for key, site in named.items()}
            whole = whole or EVERY_SITE in page.sites or snapshot.site in page.sites
        elif page.kind == "queue" or page.queue is not None or (page.kind in ("queues", "agents", "callbacks") and page.queues):
            keys = page.queues if page.queue is None else (page.queue,)
            out |= {f"queue.{key}": snapshot.queues[key] for key in keys if key in snapshot.queues}
        elif page.kind == "group" or page.group is not None or page.groups:
            keys = page.groups if page.group is None else (page.group, *page.groups)
            out |= {f"group.{key}": snapshot.groups[key] for key in keys if key in snapshot.groups}
        elif page.kind in _WHOLE:
            whole = True
    if whole:
        # A group's callers are in its queues: nobody is told of twice.
        out = {path: queue for path, queue in out.items() if not path.startswith("group.")}
        out |= {f"queue.{key}": queue for key, queue in snapshot.queues.items()}
    return {path: replace(queue, title=queue.title or path.partition(".")[2]) for path, queue in out.items() if queue.vip_waiting}


#: Pages about all that goes on on the floor.
_WHOLE = frozenset({"floor", "queues", "totals", "agents", "callbacks", "channels", "classes"})
