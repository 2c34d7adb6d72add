"""Which plugged headset is at which seat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.headset_url import headset_url
from drivers.hid_device import HidInfo
from headsets.places import placed


def plug(port: str, serial: str | None = None, *, pid: int = 0x0307, address: int = 2, interface: int = 3) -> HidInfo:
    return HidInfo(port, interface, f"/sys/{port}:1.{interface}", 1, address, 0x0B0E, pid, serial=serial)


def places(seats: dict[str, str], *present: HidInfo, before: dict[str, HidInfo] | None = None) -> dict[str, HidInfo]:
    return placed({key: headset_url(url) for key, url in seats.items()}, present, before or {})


def test_the_closest_url_has_its_headset_first() -> None:
    seats = {"model": "usb:0b0e:0307", "port": "usb:1-2", "serial": "usb:0b0e:0307:A1"}
    a, b, c = plug("1-2", "A1"), plug("1-3", "B"), plug("1-4", "C")
    assert places(seats, a, b, c) == {"serial": a, "model": b, "usb-1-4": c}
    assert places(seats, c, a, plug("1-2", "X", address=3))["serial"] == a


def test_a_serial_number_is_found_at_any_port_and_a_port_takes_any_headset() -> None:
    assert places({"a": "usb:0b0e:0307:A1"}, plug("1-9.4", "A1")).keys() == {"a"}
    assert places({"a": "usb:1-9.4"}, plug("1-9.4", pid=0x1111)).keys() == {"a"}
    assert places({"a": "usb:0b0e:0307@1-9.4"}, plug("1-9.4", pid=0x1111), plug("1-2")).keys() == {"usb-1-9.4", "usb-1-2"}


def test_of_the_same_model_the_lowest_port_comes_first_as_people_count() -> None:
    ten, two, three = plug("1-1.10"), plug("1-1.2"), plug("1-1.3")
    seats = {"a": "usb:0b0e:0307", "b": "usb:0b0e:0307"}
    assert places(seats, ten, two, three) == {"a": two, "b": three, "usb-1-1.10": ten}


def test_what_is_placed_stays_until_it_is_pulled() -> None:
    seats = {"a": "usb:0b0e:0307", "b": "usb:0b0e:0307"}
    two, three = plug("1-2"), plug("1-3")
    now = places(seats, three)
    assert now == {"a": three}
    now = places(seats, two, three, before=now)
    assert now == {"a": three, "b": two}
    now = places(seats, two, before=now)
    assert now == {"b": two}
    assert places(seats, two, plug("1-4"), before=now) == {"b": two, "a": plug("1-4")}


def test_one_that_nobody_named_does_not_move_to_a_seat_that_is_left() -> None:
    """Whoever sits there would be told of another's headset."""
    two, three = plug("1-2"), plug("1-3")
    now = places({"a": "usb:0b0e:0307"}, two, three)
    assert now == {"a": two, "usb-1-3": three}
    assert places({"a": "usb:0b0e:0307"}, three, before=now) == {"usb-1-3": three}


def test_replugged_it_is_placed_anew() -> None:
    now = places({"a": "usb:1-2"}, plug("1-2"))
    again = plug("1-2", address=9)
    assert places({"a": "usb:1-2"}, again, before=now) == {"a": again}


def test_who_has_it_now_is_taken_over() -> None:
    before = places({"a": "usb:1-2"}, plug("1-2"))
    held = HidInfo("1-2", 3, "/sys/1-2:1.3", 1, 2, 0x0B0E, 0x0307, driver="usbfs")
    assert places({"a": "usb:1-2"}, held, before=before) == {"a": held}


def test_two_interfaces_of_one_device_are_one_headset() -> None:
    first, second = plug("1-2", interface=3), plug("1-2", interface=5)
    now = places({"a": "usb:1-2"}, second, first)
    assert now == {"a": first}
    assert places({"a": "usb:1-2"}, second, first, before={"a": second}) == {"a": second}


def test_a_seat_that_is_called_like_a_port() -> None:
    assert places({"usb-1-2": "usb:1-3"}, plug("1-2"), plug("1-3")) == {"usb-1-2": plug("1-3"), "usb-1-2-2": plug("1-2")}


#: The number of a plugging tells its serial too: one plugging never has two.
SERIALS = {2: None, 3: None, 4: "A1", 5: "B2"}
PLUGS = st.dictionaries(st.sampled_from(["1-1", "1-2", "1-3.1", "1-3.2"]), st.sampled_from(sorted(SERIALS)))
URLS = ["usb:1-1", "usb:1-3.1", "usb:0b0e:0307", "usb:0b0e:0307:A1", "usb:0b0e:0307@1-2"]


@given(st.lists(st.sampled_from(URLS), max_size=5), st.lists(PLUGS, max_size=4))
def test_everybody_has_one_place_and_every_place_one_headset(urls: list[str], looks: list[dict[str, int]]) -> None:
    seats = {f"s{number}": url for number, url in enumerate(urls)}
    now: dict[str, HidInfo] = {}
    for look in looks:
        present = {port: plug(port, SERIALS[address], address=address) for port, address in look.items()}
        before, now = now, places(seats, *present.values(), before=now)
        assert sorted(info.port for info in now.values()) == sorted(present)
        for key, info in now.items():
            assert key not in seats or headset_url(seats[key]).fits(info.port, info.model, info.serial)
        for key, info in before.items():
            if any(info.plugging == each.plugging for each in present.values()):
                assert now[key].plugging == info.plugging
