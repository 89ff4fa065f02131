"""Names through a change log: what was it called before, what is it called now, and what is gone?"""

from random import Random

import pytest

from autosync.syncengine.connectors.ldap.whereabouts import Whereabouts

BASE = "ou=p,dc=x"
A, B, C = (f"uid={letter},{BASE}" for letter in "abc")
OUT = "ou=out,dc=x"


@pytest.fixture
def places() -> Whereabouts:
    return Whereabouts(BASE)


def test_a_change_is_of_who_is_called_so(places: Whereabouts) -> None:
    places.changed(A)

    assert places.touched() == {A: A}


def test_a_renamed_object_was_called_otherwise(places: Whereabouts) -> None:
    places.renamed(A, B)
    places.renamed(B, C)

    assert places.touched() == {C: A}
    assert list(places.left) == [A]
    assert list(places.moved.values()) == [C]
    assert not places.gone


def test_names_that_were_swapped_are_told_apart(places: Whereabouts) -> None:
    places.renamed(A, C)
    places.renamed(B, A)
    places.renamed(C, B)

    assert places.touched() == {A: B, B: A}
    assert not places.gone


def test_a_successor_is_new_and_its_predecessor_gone(places: Whereabouts) -> None:
    places.deleted(A)
    places.added(A)

    assert places.touched() == {A: None}
    assert list(places.gone) == [A]


def test_what_came_and_went_never_was(places: Whereabouts) -> None:
    places.added(A)
    places.renamed(A, B)
    places.deleted(B)

    assert (places.touched(), dict(places.gone), dict(places.left)) == ({}, {}, {})


def test_what_was_renamed_and_deleted_is_gone_by_its_first_name(places: Whereabouts) -> None:
    places.renamed(A, B)
    places.deleted(B)

    assert list(places.gone) == [A]
    assert not places.left


def test_what_lies_below_moves_along(places: Whereabouts) -> None:
    child, moved = f"uid=k,ou=u,{BASE}", f"uid=k,ou=v,{BASE}"
    places.changed(child)
    places.renamed(f"ou=u,{BASE}", f"ou=v,{BASE}")
    places.changed(f"UID=L,OU=v,{BASE}")

    assert places.touched()[moved] == child
    assert places.before(f"UID=L,OU=v,{BASE}") == f"UID=L,ou=u,{BASE}"
    places.deleted(moved)
    assert list(places.gone) == [child]


def test_what_moves_out_is_gone_and_what_moves_in_is_not_known(places: Whereabouts) -> None:
    places.renamed(A, f"uid=a,{OUT}")
    places.renamed(f"uid=b,{OUT}", B)
    places.settle()

    assert list(places.gone) == [A]
    assert places.touched() == {B: f"uid=b,{OUT}"}


def test_names_are_compared_as_a_directory_does(places: Whereabouts) -> None:
    places.renamed(A.upper(), B)
    places.deleted("UID = b, OU = p, DC=x")

    assert list(places.gone) == [A.upper()]


def test_what_is_no_name_stops_nothing(places: Whereabouts) -> None:
    places.changed("no name")
    places.deleted("")

    assert places.touched() == {}


@pytest.mark.parametrize("seed", range(50))
def test_every_object_is_found_by_the_name_that_it_had(seed: int) -> None:
    """The oracle carries identities, which a log of names does not tell."""
    random, places = Random(seed), Whereabouts(BASE)
    world = {f"uid={letter},{BASE}": letter for letter in "abcde"}
    first = dict(world)
    was = {identity: name for name, identity in first.items()}
    for number in range(30):
        name = random.choice(sorted(world)) if world else ""
        free = [f"uid={letter},{BASE}" for letter in "abcdefgh" if f"uid={letter},{BASE}" not in world]
        kind = random.choice(["add", "delete", "rename", "change"]) if world else "add"
        if kind == "add" and free:
            world[free[0]] = f"new{number}"
            places.added(free[0])
        elif kind == "delete":
            del world[name]
            places.deleted(name)
        elif kind == "rename" and free:
            world[free[-1]] = world.pop(name)
            places.renamed(name, free[-1])
        else:
            places.changed(name)
    places.settle()

    assert set(places.gone) == set(first) - {was[identity] for identity in world.values() if identity in was}
    assert {name: was.get(world[name]) for name in places.touched()} == places.touched()
