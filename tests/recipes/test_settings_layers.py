"""Settings: which layer counts, what is merged, what is refused and how that is said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.errors import UsageError
from teachbox.recipes.settings import DEFAULT_DB, db_address, read_settings
from teachbox.recipes.settings_keys import KEYS, REFUSED

LAYERS = ("recipe", "home", "project", "overrides")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty home and an empty working directory; `put(layer, **values)` writes settings into a layer."""
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    monkeypatch.setenv("TEACHBOX_HOME", str(home))
    monkeypatch.chdir(project)

    def put(layer, **values):
        if layer == "overrides":
            monkeypatch.setenv("TEACHBOX_CONFIG_OVERRIDES", json.dumps(values))
        else:
            ({"home": home, "project": project}[layer] / "teachbox.json").write_text(json.dumps(values))

    put.home, put.project = home, project
    return put


def test_nothing_set(place):
    settings = read_settings()
    assert settings == {name: key.default for name, key in KEYS.items()}
    assert (settings["host"], settings["port"], settings["darken_image"]) == ("127.0.0.1", 8080, 0)


@pytest.mark.parametrize("last", range(1, len(LAYERS) + 1))
def test_the_last_layer_that_says_something_counts(place, last):
    """Layer n says n tenths: of the first `last` layers the last one counts."""
    said = {layer: (number + 1) / 10 for number, layer in enumerate(LAYERS[:last])}
    for layer in LAYERS[1:last]:
        place(layer, darken_image=said[layer])
    assert read_settings({"darken_image": said["recipe"]})["darken_image"] == last / 10


def test_ports_file_environment_and_option(place, monkeypatch):
    place("home", port=1001)
    assert read_settings()["port"] == 1001
    place("project", port=1002)
    assert read_settings()["port"] == 1002
    place("overrides", port=1003)
    assert read_settings()["port"] == 1003
    monkeypatch.setenv("TEACHBOX_PORT", "1004")
    assert read_settings()["port"] == 1004
    assert read_settings(options={"port": 1005})["port"] == 1005
    assert read_settings(options={"port": None})["port"] == 1004


def test_home_is_a_folder_in_the_home_directory(place, monkeypatch):
    monkeypatch.delenv("TEACHBOX_HOME")
    monkeypatch.setenv("HOME", str(place.project))
    (place.project / ".teachbox").mkdir()
    (place.project / ".teachbox" / "teachbox.json").write_text('{"host": "box.example"}')
    assert read_settings()["host"] == "box.example"


def test_a_theme_is_merged_and_other_values_are_replaced(place):
    place("home", custom_theme={"labels": {"cat": "#111111", "dog": "#222222"}, "cardMaxWidth": 900}, buttons=["undo"])
    place("project", custom_theme={"labels": {"dog": "#333333"}}, buttons=["accept"])
    settings = read_settings({"custom_theme": {"labels": {"owl": "#444444"}}})
    assert settings["custom_theme"] == {
        "labels": {"owl": "#444444", "cat": "#111111", "dog": "#333333"},
        "cardMaxWidth": 900,
    }
    assert settings["buttons"] == ["accept"]
    assert KEYS["custom_theme"].default == {}


def test_a_database_lies_beside_the_file_that_names_it(place, monkeypatch):
    assert db_address() == DEFAULT_DB
    place("home", db="mine.db")
    assert db_address() == str(place.home / "mine.db")
    place("project", db="postgresql://me@host/labels")
    assert db_address() == "postgresql://me@host/labels"
    monkeypatch.setenv("TEACHBOX_DB", "here.db")
    assert db_address() == "here.db"
    assert db_address("there.db") == "there.db"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"port": "http"}, "`port` is 'http'; it must be a port, 0 to 65535"),
        ({"port": True}, "`port` is True; it must be a port"),
        ({"prot": 1}, "there is no key `prot`; did you mean `port`?"),
        ({"zzz": 1}, "there is no key `zzz`; there are buttons, "),
        ({"labels": ["cat"]}, "the key `labels` belongs to a recipe"),
        ({"darken_image": 2}, "`darken_image` is 2; it must be a number from 0 to 1"),
        ({"buttons": ["like"]}, "it must be a list of accept, reject, ignore, undo"),
        (
            {"image_manual_modes": ["freehand"]},
            "`image_manual_modes` is ['freehand']; it must be a list of rect, poly",
        ),
        (
            {"custom_theme": {"labels": {"cat": "red"}}},
            "`custom_theme.labels.cat` is 'red'; it must be a colour",
        ),
        (
            {"custom_theme": {"bgCard": "#111111"}},
            "`custom_theme.bgCard` is not supported; custom_theme may hold",
        ),
        (
            {"custom_theme": {"cardMaxWidth": "2000px"}},
            "`custom_theme.cardMaxWidth` is '2000px'; it must be a width",
        ),
        ({"swipe": True}, "the key `swipe` is not supported: the page is answered by keys and buttons"),
    ],
)
def test_what_is_refused_says_file_key_value_and_what_is_right(place, values, says):
    place("project", **values)
    with pytest.raises(UsageError) as error:
        read_settings()
    assert str(error.value).startswith("teachbox.json: ")
    assert says in str(error.value)


def test_a_recipe_does_not_say_where_the_page_is(place):
    with pytest.raises(UsageError, match=r"the recipe's config: the key `port` belongs into teachbox\.json"):
        read_settings({"port": 1})
    assert read_settings({"labels": ["cat"], "threshold": 0.5})["threshold"] == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"port": 80,\n]', "teachbox.json:2: not JSON: "),
        ("[]", 'teachbox.json: settings must be an object, such as {"port": 8080}; found []'),
        ("\udcff", "teachbox.json: the settings cannot be read"),
    ],
)
def test_a_file_that_is_none(place, text, says):
    (place.project / "teachbox.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as error:
        read_settings()
    assert says in str(error.value)


def test_environment_that_is_wrong_is_named(place, monkeypatch):
    monkeypatch.setenv("TEACHBOX_CONFIG_OVERRIDES", "port=1")
    with pytest.raises(UsageError, match="TEACHBOX_CONFIG_OVERRIDES: not JSON"):
        read_settings()
    monkeypatch.setenv("TEACHBOX_CONFIG_OVERRIDES", "3")
    with pytest.raises(UsageError, match="TEACHBOX_CONFIG_OVERRIDES: settings must be an object"):
        read_settings()
    monkeypatch.delenv("TEACHBOX_CONFIG_OVERRIDES")
    monkeypatch.setenv("TEACHBOX_PORT", "web")
    with pytest.raises(UsageError, match="TEACHBOX_PORT: `port` is 'web'; it must be a port, 0 to 65535"):
        read_settings()


def test_no_key_is_both_known_and_refused():
    assert not set(KEYS) & set(REFUSED)
    assert all(key.problem(name, key.default) is None for name, key in KEYS.items() if key.default is not None)


@given(st.dictionaries(st.sampled_from(["darken_image", "history_length"]), st.integers(1, 1), max_size=2))
def test_whatever_a_recipe_says_the_other_keys_stay(values):
    settings = read_settings(values)
    assert {name: settings[name] for name in values} == values
    assert set(settings) == set(KEYS)
