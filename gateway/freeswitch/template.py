"""Decides what the box asks a FreeSWITCH's keeper for: the event socket on the network, for this box's address alone."""

from __future__ import annotations

from typing import Final

_TEXT: Final = """<!-- Callfloor: FreeSWITCH listens on loopback only as it is installed. Put this into
     autoload_configs/event_socket.conf.xml, then `fs_cli -x 'reload mod_event_socket'`. The password opens everything that
     FreeSWITCH can do: never leave it at ClueCon, and keep the access list as narrow as it is here. On FusionPBX change the
     same two values under Advanced > Default Settings as well, for its own pages use this socket too. -->
<configuration name="event_socket.conf" description="Socket Client">
  <settings>
    <param name="nat-map" value="false"/>
    <param name="listen-ip" value="0.0.0.0"/>
    <param name="listen-port" value="8021"/>
    <param name="password" value="{secret}"/>
    <param name="apply-inbound-acl" value="callfloor"/>
  </settings>
</configuration>

<!-- And this into the <network-lists> of autoload_configs/acl.conf.xml, then `fs_cli -x reloadacl`. -->
<list name="callfloor" default="deny">
  <node type="allow" cidr="127.0.0.1/32"/>
  <node type="allow" cidr="{address}/32"/>
</list>
"""


def template(*, secret: str = "CHANGE-ME", address: str = "BOX-ADDRESS") -> str:  # noqa: S107
    """The text of `callfloor pbx template freeswitch`.

    >>> 'value="8021"' in template()
    True
    """
    return _TEXT.format(secret=secret, address=address)
