"""Decides what a well-shaped [metrics] may still not say: an address that is none, a listener that everybody reads."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from appliance.core.config import Config
from appliance.core.config_rules import Finding
from appliance.core.endpoint import endpoint_from_text

_MEND = 'write it as "127.0.0.1:9464", or "0.0.0.0:9464" for the whole network'


def findings_of_metrics(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with the listener for figures; its token's file is looked at by whoever asks."""
    metrics = config.metrics
    here = ("metrics",)
    if metrics.listen is None:
        for key in ("allow", "token_file"):
            if getattr(metrics, key):
                yield Finding((*here, key), f"{key} without listen has no effect", 'write listen = "0.0.0.0:9464", or take it out')
        return
    try:
        endpoint = endpoint_from_text(metrics.listen)
        if not endpoint.loopback and not metrics.allow and metrics.token_file is None:
            mend = 'write allow = ["192.168.1.5"] with the address of your Prometheus, or token_file = "…"'
            yield Finding((*here, "listen"), f'"{metrics.listen}" lets everybody on the network read the figures', mend)
        tv = config.wallboard.tv
        if endpoint.port and tv is not None and tv.listen == metrics.listen:
            mend = "take [metrics] listen out, and write metrics = true in [wallboard.tv]; or name another port"
            yield Finding((*here, "listen"), f'"{metrics.listen}" is the boards\' listener, which has /metrics itself', mend)
    except ValueError as fault:
        yield Finding((*here, "listen"), f'"{metrics.listen}": {fault}', _MEND)
    for index, network in enumerate(metrics.allow):
        try:
            ip_network(network)
        except ValueError as fault:
            yield Finding((*here, "allow", index), f'"{network}" is no network: {fault}', 'write it as "192.168.1.0/24" or "192.168.1.5"')
