"""Which number is meant by what was written: in any spelling the same, and none where none is meant."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.callers import digits_of, same_number
from appliance.core.e164 import e164, is_region, key_of, number_of

REGIONS = ("EC", "CO", "PE", "MX", "AR", "BR", "CL", "ES", "PT", "US", "GB", "DE", "IT")


@pytest.mark.parametrize(
    ("written", "country", "meant"),
    [
        ("099 123 4567", "EC", "+593991234567"),
        ("99 123 4567", "EC", "+593991234567"),
        ("593 99 123 4567", "EC", "+593991234567"),
        ("+593 (0)99 123-4567", "EC", "+593991234567"),
        ("tel:+593-99-123-4567;ext=5", "EC", "+593991234567"),
        ("sip:+593991234567@10.0.0.1", None, "+593991234567"),
        ("00 593 99 123 4567", None, "+593991234567"),
        ("00 593 99 123 4567", "US", "+593991234567"),
        ("011 593 99 123 4567", "US", "+593991234567"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("0 21 (11) 98765-4321", "BR", "+5511987654321"),
        ("0 15 11 98765 4321", "BR", "+5511987654321"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("911 234 567", "ES", "+34911234567"),
        ("+34\u00a0911\u2011234\u2011567", "EC", "+34911234567"),
    ],
)
def test_spellings(written: str, country: str | None, meant: str) -> None:
    assert e164(written, country) == meant


@pytest.mark.parametrize(
    "written",
    ["", " ", "2040", "911", "112", "*43", "#31#0991234567", "0800FLOWERS", "099123456a", "anonymous", "unknown", "0000000000", "+", "++593991234567",
     "+59399", "+999123456789", "099 123 4567 x12", "٠٩٩١٢٣٤٥٦٧", "0" * 50, "sip:ana@example.org", "099\n1234567"],
)  # fmt: skip
def test_what_is_no_number(written: str) -> None:
    assert e164(written, "EC") is None


def test_without_a_country_only_a_plus_tells() -> None:
    assert e164("0991234567", None) is None
    assert e164("+593991234567", None) == "+593991234567"


def test_a_new_range_counts_by_its_length() -> None:
    """The library of a box that is five years old does not know it yet."""
    number = phonenumbers.parse("+593 11 234 5678")
    assert not phonenumbers.is_valid_number(number)
    assert e164("011 234 5678", "EC") == "+593112345678"


def test_regions() -> None:
    assert is_region("EC")
    assert not is_region("ec")
    assert not is_region("XX")


@given(st.text(max_size=60), st.sampled_from((*REGIONS, None)))
def test_any_text_is_a_number_or_none(text: str, country: str | None) -> None:
    found = e164(text, country)
    if found is not None:
        assert number_of(key_of(found)) == found
        assert 7 <= len(found) - 1 <= 15
        assert e164(found, country) == found, "what it gives, it takes"


@given(st.sampled_from(REGIONS), st.integers(0, 9999), st.sampled_from(["INTERNATIONAL", "NATIONAL", "RFC3966", "E164"]))
def test_every_spelling_of_a_number_is_the_same_number(region: str, last: int, form: str) -> None:
    """Spelled by the library as the country does; and `privacy forget` takes the two for one number as well."""
    example = phonenumbers.example_number(region)
    base = str(example.national_number)
    example.national_number = int(base[:-4] + f"{last:04d}")
    whole = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    spelled = phonenumbers.format_number(example, getattr(phonenumbers.PhoneNumberFormat, form))
    assert e164(spelled, region) == whole
    assert e164("00" + whole[1:], region) == whole
    assert same_number(digits_of(whole), digits_of(spelled))
