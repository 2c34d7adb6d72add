"""Show a board on this box's own screen until SIGTERM: what callfloor-kiosk.service runs.

A browser on a compositor (cage); a page that paints no frame for 20 s is killed by the service's watchdog and begun again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from appliance.cli.main import add_config
from appliance.cli.terminal import say

EXAMPLES = """
  callfloor kiosk --print        what would be begun, and does nothing
  callfloor kiosk -c FILE        on the screen, by the table [kiosk]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --print."""
    add_config(parser)
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the browser's command line and end")


def main(args: argparse.Namespace) -> int:
    """Raises MisconfiguredError for a configuration without a screen, TransientError when the browser ends by itself."""
    from appliance.kiosk.browser import command  # noqa: PLC0415 - most verbs have no screen
    from appliance.kiosk.plan import plan_from_file  # noqa: PLC0415
    from appliance.kiosk.run import Kiosk, first_frame_s  # noqa: PLC0415
    from appliance.notify import Notifier  # noqa: PLC0415
    from appliance.runner import signals  # noqa: PLC0415
    from appliance.runner_log import set_up  # noqa: PLC0415

    plan = plan_from_file(Path(args.config))
    if args.only_print:
        say(" ".join(command(plan.browser, plan.url)))
        return 0
    set_up()

    async def show() -> None:
        stop = asyncio.Event()
        with signals(stop, leave_s=9.0):
            await Kiosk(plan, Notifier.from_environment(), first_frame_s=first_frame_s(os.environ)).run(stop)

    asyncio.run(show())
    return 0
