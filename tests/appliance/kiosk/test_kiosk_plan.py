"""What the screen shows, and when it is dark, from the configuration's text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.core.errors import MisconfiguredError
from appliance.kiosk.browser import command, environment
from appliance.kiosk.plan import plan_from_toml

TV = '[wallboard.tv]\nlisten = "0.0.0.0:8088"\ntoken_file = "nowhere"\n'


@pytest.mark.parametrize(
    ("text", "url", "where"),
    [
        (TV, "http://127.0.0.1:8088/board/floor", ("127.0.0.1", 8088)),
        (TV + "cert_file = 'c'\n[kiosk]\nboard = 'día'", "https://127.0.0.1:8088/board/d%C3%ADa", ("127.0.0.1", 8088)),
        ('[kiosk]\nurl = "http://floor-1:8080/board/sales"', "http://floor-1:8080/board/sales", ("floor-1", 8080)),
        ('[kiosk]\nurl = "https://[fd00::1]/"\nboard = "sales"', "https://[fd00::1]/board/sales", ("fd00::1", 443)),
    ],
)
def test_which_board(text: str, url: str, where: tuple[str, int]) -> None:
    plan = plan_from_toml(text)
    assert (plan.url, (plan.host, plan.port), plan.browser) == (url, where, "cog")


def test_without_a_board_there_is_no_screen() -> None:
    with pytest.raises(MisconfiguredError, match=r"wallboard\.tv"):
        plan_from_toml("[kiosk]\n")


def test_dark_at_night_by_the_clock_on_the_wall() -> None:
    plan = plan_from_toml(TV + '[site]\ntimezone = "America/Guayaquil"\n[kiosk]\noff = ["21:00-06:30"]')
    dark = [plan.is_dark(int(datetime(2026, 11, 22, hour, 0, tzinfo=UTC).timestamp() * 1e9)) for hour in (1, 2, 11, 12)]
    assert dark == [False, True, True, False]


def test_each_browser_has_the_whole_screen_and_says_when_it_paints() -> None:
    for browser in ("cog", "chromium"):
        words = command(browser, "http://b/")
        assert words[:3] == ["cage", "-s", "--"]
        assert words[3] == browser
        assert words[-1] == "http://b/#kiosk"
    assert environment("cog", {})["JSC_useJIT"] == "0"
    assert "JSC_useJIT" not in environment("chromium", {})


@pytest.mark.parametrize(
    ("drivers", "told"),
    [((), "pixman"), (("virtio-pci",), "pixman"), (("v3d",), None), (("virtio-pci", "i915"), None), (("v3d", "vc4-drm"), None)],
)
def test_the_processor_draws_where_no_graphics_processor_does(tmp_path: Path, drivers: tuple[str, ...], told: str | None) -> None:
    """As the kernel shows them: card0 is a screen, renderD128 … what draws."""
    (tmp_path / "class/card0/device").mkdir(parents=True)
    for number, name in enumerate(drivers, 128):
        driver = tmp_path / "drivers" / name
        driver.mkdir(parents=True)
        device = tmp_path / f"class/renderD{number}/device"
        device.mkdir(parents=True)
        (device / "driver").symlink_to(driver)
    assert environment("cog", {}, tmp_path / "class").get("WLR_RENDERER") == told
    assert environment("cog", {"WLR_RENDERER": "gles2"}, tmp_path / "class")["WLR_RENDERER"] == "gles2"


def test_the_page_says_nothing_that_the_default_browser_does_not_know() -> None:
    """Debian 12 has WPE WebKit 2.38: one look-behind in one file, and the screen stays black."""
    files = sorted((Path(__file__).parents[3] / "wallboard/tv").glob("*.js"))
    assert len(files) > 10
    assert [file.name for file in files if re.search(r"\(\?<[=!]", file.read_text(encoding="utf-8"))] == []
