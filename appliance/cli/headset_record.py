"""Decides how a headset is recorded: read along, never written, until told to stop, over every pulling and plugging."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from appliance.cli.headset_target import Target, target_named
from appliance.cli.new_file import new_file
from appliance.cli.terminal import Progress, complain
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import CallfloorError, MisconfiguredError, UnpluggedError
from drivers.hid_device import HidDevice
from headsets.capture import Recorder, Write

_LOOK_S: Final = 0.3


def record(name: str, config: Config | None, output: Path, for_s: float | None) -> int:
    """Record one headset into a new file; 0. Raises MisconfiguredError, DeniedError, UnpluggedError, TransientError."""
    target = target_named(name, config)
    if output.exists():
        raise MisconfiguredError(f"{output} is there already; name a new file with -o")
    device = target.open()
    with new_file(output) as write:
        reports = asyncio.run(_record(name, config, target, device, write, for_s))
    complain(f"written: {output}, {reports} reports; try: callfloor replay {output}")
    return 0


async def _record(name: str, config: Config | None, target: Target, first: HidDevice, write: Write, for_s: float | None) -> int:
    progress = Progress(f"recording {target.seat}, reports (Ctrl-C ends)")
    recorder = Recorder(target.seat, first.info, first.report_descriptor(), SystemClock(), write)
    task = asyncio.ensure_future(_until_cancelled(name, config, first, recorder, progress))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(task, for_s)
    progress.end()
    return recorder.reports


async def _until_cancelled(name: str, config: Config | None, first: HidDevice, recorder: Recorder, progress: Progress) -> None:
    device: HidDevice | None = first
    model = first.info.model
    complain(f"recording {first.info.product or model} at {first.info.port}; press every button, with and without a call; Ctrl-C ends")
    while True:
        if device is not None:
            await _one(device, recorder, progress)
            recorder.event("disconnected")
        await asyncio.sleep(_LOOK_S)
        device = _again(name, config, model)
        if device is not None:
            recorder.event("connected")


async def _one(device: HidDevice, recorder: Recorder, progress: Progress) -> None:
    """Record until it is gone."""
    loop = asyncio.get_running_loop()
    lost: asyncio.Future[CallfloorError] = loop.create_future()

    def heard(report: bytes, mono_ns: int) -> None:
        recorder.report(report, mono_ns)
        progress.at(recorder.reports)

    try:
        device.listen(loop, heard, lost.set_result)
        complain(str(await lost))
    finally:
        device.close()


def _again(name: str, config: Config | None, model: str) -> HidDevice | None:
    """The same model at the same place, once it is back. Raises DeniedError when a program has taken it."""
    try:
        device = target_named(name, config).open()
    except (UnpluggedError, MisconfiguredError):
        return None
    if device.info.model != model:
        device.close()
        return None
    return device
