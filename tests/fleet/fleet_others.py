"""Other brokers that the same fleet is run against: amqtt (Python) and aedes (Node), both MQTT 3.1.1 and both forgetting all when they end."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

from tests.fleet.fleet_child import ROOT, FleetError, Mosquitto

_AMQTT = """
import asyncio, logging
logging.disable(logging.CRITICAL)
from amqtt.broker import Broker
async def main():
    listener = {{"type": "tcp", "bind": "127.0.0.1:{port}"}}
    plugins = {{"amqtt.plugins.authentication.AnonymousAuthPlugin": {{"allow_anonymous": True}}}}
    await Broker({{"listeners": {{"default": listener}}, "plugins": plugins}}).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""
_AEDES = """
import {{ Aedes }} from 'aedes'
import {{ createServer }} from 'node:net'
const broker = await Aedes.createBroker({{ queueLimit: 100000 }})
createServer(broker.handle).listen({port}, '127.0.0.1')
"""
#: Where `npm install` puts it.
MODULES = ROOT / "build" / "aedes" / "node_modules"


class Amqtt(Mosquitto):
    """Pure Python; what `callfloor demo` takes where there is no mosquitto."""

    name, protocol, keeps = "amqtt", "3.1.1", False

    def _written(self, _inflight: int, _autosave_s: int) -> list[str]:
        if find_spec("amqtt") is None:
            raise FleetError("no amqtt here: pip install amqtt")
        (self.folder / "broker.py").write_text(_AMQTT.format(port=self.port))
        return [sys.executable, str(self.folder / "broker.py")]


class Aedes(Mosquitto):
    """Node's broker, in memory."""

    name, protocol, keeps = "aedes", "3.1.1", False

    def _written(self, _inflight: int, _autosave_s: int) -> list[str]:
        node = shutil.which("node")
        if node is None or not (MODULES / "aedes").is_dir():
            raise FleetError("no aedes here: npm install --prefix build/aedes aedes")
        (self.folder / "broker.mjs").write_text(_AEDES.format(port=self.port))
        (self.folder / "node_modules").symlink_to(MODULES)
        return [node, str(self.folder / "broker.mjs")]


BROKERS: dict[str, type[Mosquitto]] = {"mosquitto": Mosquitto, "amqtt": Amqtt, "aedes": Aedes}
