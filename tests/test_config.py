"""Settings: precedence, closed sections, the nearest right key, and secrets by name only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentdb.config import Settings, load_settings
from agentdb.errors import ConfigError
from agentdb.tools.databases.dsn import Dsn

ROOT = Path(__file__).resolve().parents[1]


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "agentdb.toml").write_text(text)
    return tmp_path


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    root = project(tmp_path, '[model]\nname = "from-file"\nbase_url = "http://file"\n[hazards]\nfail_on = "info"\n')
    settings = load_settings(
        root, environ={"AGENTDB_MODEL": "from-env"}, overrides={"hazards.fail_on": "warning", "model.base_url": None}
    )
    assert settings.model.name == "from-env"
    assert settings.model.base_url == "http://file"
    assert settings.hazards.fail_on == "warning"


def test_the_file_is_found_above_the_working_directory(tmp_path: Path) -> None:
    root = project(tmp_path, '[project]\nname = "shop"\n')
    (root / "a/b").mkdir(parents=True)
    settings = load_settings(root / "a/b", environ={})
    assert (settings.project.name, settings.root) == ("shop", root)


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[hazard]\n", "hazard", "hazards"),
        ('[hazards]\nfailon = "error"\n', "hazards.failon", "fail_on"),
        ('[targets.prod]\ndsn = "postgresql://u:secret@h/d"\n', "targets.prod.dsn", "dsn_env"),
        ("[sandbox]\nrow = 3\n", "sandbox.row", "rows"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(project(tmp_path, text), environ={})
    assert f"unknown key '{key}'" in str(caught.value)
    assert nearest in str(caught.value)
    assert "secret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[hazards\n", "not valid TOML"),
        ('[hazards]\nfail_on = "sometimes"\n', "hazards.fail_on"),
        ("[targets.prod]\nengine = 'postgresql'\n", "targets.prod.dsn_env"),
        ("[sandbox]\nrows = -1\n", "sandbox.rows"),
    ],
)
def test_a_bad_value_is_told_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace(".", r"\.")) as caught:
        load_settings(project(tmp_path, text), environ={})
    assert caught.value.exit_code == 2


def test_the_only_target_needs_no_name_and_a_wrong_name_is_told(tmp_path: Path) -> None:
    one = load_settings(project(tmp_path, '[targets.prod]\ndsn_env = "X"\n'), environ={})
    assert one.target()[0] == "prod"
    with pytest.raises(ConfigError, match="did you mean 'prod'"):
        one.target("prd")
    two = load_settings(project(tmp_path, '[targets.a]\ndsn_env = "X"\n[targets.b]\ndsn_env = "Y"\n'), environ={})
    with pytest.raises(ConfigError, match="a, b"):
        two.target()


def test_a_connection_string_never_shows_its_password() -> None:
    secret = Dsn("postgresql://ann:hunter2@db.example:5433/shop")
    for shown in (str(secret), repr(secret), f"{secret}", secret.scrub(f"x {secret.reveal()} hunter2")):
        assert "hunter2" not in shown
    assert secret.identity() == "db.example:5433/shop"
    with pytest.raises(TypeError):
        __import__("pickle").dumps(secret)


def test_every_setting_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs/configuration.md").read_text()

    def walk(model: Any, prefix: str) -> list[str]:
        names = []
        for key, field in model.model_fields.items():
            if model is Settings and key in ("root", "file"):
                continue
            inner = getattr(field.annotation, "__args__", (None, None))
            if hasattr(field.annotation, "model_fields"):
                names += walk(field.annotation, key)
            elif key == "targets":
                names += walk(inner[1], "targets.<name>")
            else:
                names.append(f"{prefix}.{key}")
        return names

    missing = [n for n in walk(Settings, "") if f"`{n}`" not in text]
    assert missing == []


def test_the_largest_copy_is_a_size_with_a_unit(tmp_path: Path) -> None:
    settings = load_settings(project(tmp_path, '[rollback]\nmax_copy = "1.5 MB"\nkeep_days = 7\n'), environ={})
    assert (settings.rollback.max_copy_bytes, settings.rollback.keep_days) == (1_572_864, 7)
    assert load_settings(project(tmp_path, ""), environ={}).rollback.max_copy_bytes == 1024**3
    for wrong in ('"1"', '"GB"', '"ten GB"', "5"):
        with pytest.raises(ConfigError, match="rollback.max_copy"):
            load_settings(project(tmp_path, f"[rollback]\nmax_copy = {wrong}\n"), environ={})
