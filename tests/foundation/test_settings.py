"""Settings come from the environment, each documented; a wrong one is named."""

import ast
import inspect
import textwrap
from dataclasses import fields
from pathlib import Path

import pytest

from crossdock.foundation.settings import SettingError, Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
NAMES = [field.name for field in fields(Settings)]


def test_without_an_environment_the_defaults_hold() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({f"CROSSDOCK_{name.upper()}": "" for name in NAMES}) == Settings()


def test_every_setting_can_be_set() -> None:
    values = {"port": "8041", "pool_size_max": "20", "retention_days": "30", "log_level": "debug", "log_format": "json"}
    given = {f"CROSSDOCK_{name.upper()}": values.get(name, f"x-{name}") for name in NAMES}

    settings = Settings.from_environment(given)

    assert {name for name in NAMES if getattr(settings, name) == getattr(Settings(), name)} == set()
    assert settings.port == 8041
    assert settings.tls_key == Path("x-tls_key")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("CROSSDOCK_PORT", "eighty", '"eighty" but must be a whole number'),
        ("CROSSDOCK_POOL_SIZE_MAX", "1.5", '"1.5" but must be a whole number'),
        ("CROSSDOCK_POOL_SIZE_MAX", "0", "must be at least 2"),
        ("CROSSDOCK_RETENTION_DAYS", "0", "must be at least 1"),
        ("CROSSDOCK_RETENTION_DAYS", "-400", "must be at least 1"),
        ("CROSSDOCK_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("CROSSDOCK_LOG_FORMAT", "xml", "one of auto, json, text"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_variables_name(variable: str, value: str, told: str) -> None:
    with pytest.raises(SettingError) as refused:
        Settings.from_environment({variable: value})

    assert variable in str(refused.value)
    assert told in str(refused.value)


def test_other_variables_are_none_of_our_business() -> None:
    assert Settings.from_environment({"PORT": "1", "CROSSDOCK_NO_SUCH_THING": "1"}) == Settings()


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body
    assert isinstance(definition, ast.ClassDef)
    documented = {
        node.target.id
        for node, below in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }

    assert name in documented, f"say below `{name}` what it is"
    assert f"CROSSDOCK_{name.upper()}" in PAGE.read_text(), "run ./crossdock docs"


def test_the_cache_may_lie_in_the_home_folder() -> None:
    assert Settings(cache=Path("~/x")).cache_folder == Path.home() / "x"
