"""Which services a configuration enables, and what is said of one that cannot be had."""

from __future__ import annotations

import pytest

from appliance import registry
from appliance.core.config import Config, Crm, PbxConfig, Tv, Wallboard
from appliance.core.errors import MisconfiguredError
from appliance.core.opcua_config import OpcuaConfig

PBX = {"central": PbxConfig()}


def test_what_a_configuration_enables_in_starting_order() -> None:
    assert registry.enabled(Config()) == ()
    assert registry.enabled(Config(crm=Crm(url="mqtt://127.0.0.1"))) == ("uplink",)
    # Commands that the box gives itself need the uplink, with or without a CRM.
    assert registry.enabled(Config(pbx=PBX)) == ("gateway", "uplink")
    assert registry.enabled(Config(pbx=PBX, crm=Crm(), wallboard=Wallboard(tv=Tv()))) == ("gateway", "wallboard", "uplink")
    # A rig gives commands, which the uplink carries out; OPC UA itself comes last.
    assert registry.enabled(Config(opcua=OpcuaConfig())) == ("uplink", "opcua")


@pytest.mark.parametrize("name", ["gateway", "wallboard", "uplink", "routing", "opcua"])
def test_every_service_can_be_made_and_knows_its_name(name: str) -> None:
    assert registry.service(name).name == name


def test_a_name_that_nobody_offers() -> None:
    with pytest.raises(
        MisconfiguredError, match="there is no service 'gatewya'; there are: gateway, headsets, wallboard, uplink, routing, opcua"
    ):
        registry.service("gatewya")
