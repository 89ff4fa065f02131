from autosync.config.load import Loaded
from autosync.config.show import Shown, effective
from autosync.config.show_yaml import as_yaml
from tests.unit.config.examples import SMALL, WHOLE
from tests.unit.config.kinds import REGISTRIES, loaded


def shown(result: Loaded) -> dict[tuple[str | int, ...], Shown]:
    return {each.path: each for each in effective(result, REGISTRIES)}


def test_every_key_says_where_its_value_comes_from() -> None:
    keys = shown(loaded(WHOLE))

    assert (keys["service", "time-zone"].value, keys["service", "time-zone"].origin) == ("Europe/Brussels", "line 3")
    assert (keys["service", "listen"].value, keys["service", "listen"].origin) == ("127.0.0.1:8480", "default")
    assert keys["engines", "mim", "password"].value == {"env": "MIM_PASSWORD"}
    assert keys["agents", "mim/HR", "guards", "staged", "deletes"].value == "20 or 2%"
    assert keys["agents", "mim/HR", "guards", "exports", "deletes"].value == "500 or 10%"
    assert keys["agents", "mim/HR", "triggers", 2, "cron"].line == 23
    # Merged in from an anchor: the line of the anchor.
    assert keys["agents", "mim/HR", "import-if-none-for"].line == 1


def test_agents_that_only_the_engine_names_are_shown_with_their_defaults() -> None:
    keys = shown(loaded(SMALL))

    assert keys["agents", "home/hr", "enabled"] == Shown(path=("agents", "home/hr", "enabled"), value=True, line=None)


def test_defaults_of_a_kind_are_shown_too() -> None:
    keys = shown(loaded("engines: {m: {type: mim}}\n"))

    assert (keys["engines", "m", "server"].value, keys["engines", "m", "server"].line) == ("localhost", None)


def test_what_is_shown_as_yaml_means_the_same() -> None:
    for text in (SMALL, WHOLE):
        result = loaded(text)
        again = loaded(as_yaml(effective(result, REGISTRIES)))
        assert again.mistakes == ()
        before, after = result.required(), again.required()
        assert (after.service, after.engines) == (before.service, before.engines)
        assert (after.triggers, after.notify) == (before.triggers, before.notify)
        assert after.settings.schedules == before.settings.schedules
        assert after.settings.exclusions == before.settings.exclusions
        assert all(after.settings.agents[name] == agent for name, agent in before.settings.agents.items())


def test_yaml_carries_the_origin_behind_each_key() -> None:
    lines = as_yaml(effective(loaded(SMALL), REGISTRIES)).splitlines()

    assert "    type: embedded  # line 3" in lines
    assert "  retention: 90d  # default" in lines
