// Decides in which queues, groups and sites VIPs wait who concern those that look at the board. Mirrors wallboard/scope.py.

import { isOfSites } from "./page.js";

// Pages about all that goes on on the floor.
const WHOLE = new Set(["floor", "queues", "totals", "agents", "callbacks", "channels", "classes"]);
const NARROWED = new Set(["queues", "agents", "callbacks"]);

export function vipQueues(pages, floor) {
  let whole = false;
  const out = new Map();
  const add = (kind, keys, all = {}) => keys.filter((key) => all[key]).forEach((key) => out.set(`${kind}.${key}`, all[key]));
  for (const page of pages) {
    if (isOfSites(page)) {
      const every = page.sites.includes("*");
      add("site", every ? Object.keys(floor.sites ?? {}) : page.sites, floor.sites);
      whole ||= every || page.sites.includes(floor.site);
    } else if (page.kind === "queue" || page.queue != null || (NARROWED.has(page.kind) && page.queues.length)) {
      add("queue", page.queue == null ? page.queues : [page.queue], floor.queues);
    } else if (page.kind === "group" || page.group != null || page.groups.length) {
      add("group", page.group == null ? page.groups : [page.group, ...page.groups], floor.groups);
    } else whole ||= WHOLE.has(page.kind);
  }
  if (whole) {
    // A group's callers are in its queues: nobody is told of twice.
    [...out.keys()].filter((path) => path.startsWith("group.")).forEach((path) => out.delete(path));
    add("queue", Object.keys(floor.queues ?? {}), floor.queues);
  }
  return [...out].filter(([, queue]) => queue.vip_waiting).map(([path, queue]) => ({ ...queue, title: queue.title || path.slice(path.indexOf(".") + 1) }));
}
