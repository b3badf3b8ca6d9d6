"""Secrets by reference only; whatever is wrong is said without the value."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connections.settings import SettingUnusableError, is_reference, resolve
from crossdock.connector_kit import setting
from crossdock.connector_kit.model import Setting

SECRET = "s3cr3t-canary"
DECLARED = (
    Setting(name="url", title="", help=""),
    Setting(name="password", title="", help="", secret=True),
    Setting(name="mode", title="", help="", default="fast", choices=("fast", "slow")),
)


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")

    by_name = resolve("erp", DECLARED, {"url": "http://${HOST}/x", "password": "${PW}"}, {"PW": SECRET, "HOST": "h"})
    by_file = resolve("erp", DECLARED, {"url": "u", "password": f"file:{file}"}, {})

    assert by_name == {"url": "http://h/x", "password": SECRET, "mode": "fast"}
    assert by_file["password"] == SECRET


@pytest.mark.parametrize(
    ("given_settings", "setting", "says"),
    [
        ({"url": "u", "password": SECRET}, "password", "must not stand in the estate"),
        ({"url": "u", "password": f"x{SECRET}${{PW}}"}, "password", "must not stand in the estate"),
        ({"url": "u", "password": "${MISSING}"}, "password", "MISSING is not set"),
        ({"url": "u", "password": "file:/no/such/file"}, "password", "cannot be read"),
        ({"password": "${PW}"}, "url", "required and missing"),
        ({"url": "u", "password": "${PW}", "mode": "odd"}, "mode", "one of fast, slow"),
        ({"url": "u", "password": "${PW}", "ulr": "u"}, "ulr", "does not know it"),
    ],
)
def test_what_is_wrong_names_the_setting_and_never_the_value(
    given_settings: dict[str, str], setting: str, says: str
) -> None:
    with pytest.raises(SettingUnusableError) as wrong:
        resolve("erp", DECLARED, given_settings, {"PW": SECRET})

    assert f'connection "erp", setting "{setting}"' in str(wrong.value)
    assert says in str(wrong.value)
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize(
    ("refuse", "sound", "wrong"),
    [
        (setting.currency, ("EUR", "JPY"), ("EURO", "eur", "XQX")),
        (setting.web_address, ("https://erp.example.com", "http://127.0.0.1:8000/x"), ("erp.example.com", "ftp://x", "http://x:0", "http://", "http://x:y")),
        (setting.amount, ("0", "0.50"), ("-1", "NaN", "Infinity", "half")),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_where_it_is_set(
    refuse: Callable[[str], str], sound: Sequence[str], wrong: Sequence[str]
) -> None:
    declared = (Setting(name="one", title="", help="", default="", refuse=refuse),)
    for value in ("", *sound):
        assert resolve("erp", declared, {"one": value}, {}) == {"one": value}
    for value in wrong:
        with pytest.raises(SettingUnusableError, match='setting "one"'):
            resolve("erp", declared, {"one": value}, {})


@given(st.text(max_size=30))
def test_only_whole_references_are_references(text: str) -> None:
    if is_reference(text):
        assert text.startswith("file:") or (text.startswith("${") and text.endswith("}"))
