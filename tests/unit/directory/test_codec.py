"""Messages to octets and back, and octets from somebody who means no good."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.directory import controls
from autosync.directory.codec import Control, Message, decode, decode_id, encode, encode_value
from autosync.directory.errors import BadMessage
from autosync.directory.filters import (
    And,
    AtLeast,
    AtMost,
    Equals,
    Matches,
    Not,
    Or,
    Parts,
    Present,
    Sounds,
    for_codec,
)
from autosync.directory.framing import Framer, SealedFramer
from autosync.directory.searching import Search
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename

OCTETS = st.binary(max_size=40)
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,8}", fullmatch=True)
VALUES = st.one_of(OCTETS, st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
RESULTS = st.fixed_dictionaries(
    {"resultCode": st.integers(0, 2**31), "matchedDN": OCTETS, "diagnosticMessage": OCTETS},
    optional={"referral": st.lists(OCTETS, min_size=1, max_size=3)},
)
ENTRIES = st.fixed_dictionaries(
    {
        "objectName": OCTETS,
        "attributes": st.lists(
            st.fixed_dictionaries({"type": OCTETS, "vals": st.lists(OCTETS, max_size=4)}), max_size=5
        ),
    }
)
LEAVES = st.one_of(
    st.builds(Present, NAMES),
    *(st.builds(kind, NAMES, VALUES) for kind in (Equals, AtLeast, AtMost, Sounds)),
    st.builds(Parts, attribute=NAMES, begins=VALUES, contains=st.lists(VALUES, max_size=2).map(tuple), ends=VALUES),
    st.builds(Matches, value=VALUES, attribute=NAMES, rule=st.none() | NAMES, dn_too=st.booleans()),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3)), st.builds(Or, st.lists(inner, max_size=3)), st.builds(Not, inner)
    ),
    max_leaves=8,
)
OPERATIONS = st.one_of(
    ENTRIES.map(lambda content: ("searchEntry", content)),
    RESULTS.map(lambda content: ("searchDone", content)),
    RESULTS.map(lambda content: ("modifyResponse", content)),
    st.lists(OCTETS, min_size=1).map(lambda content: ("searchReference", content)),
    OCTETS.map(lambda content: ("deleteRequest", content)),
    st.builds(lambda wanted: Search(base="dc=x", filter=wanted, attributes=("cn",)).operation(), FILTERS),
)
CONTROLS = st.lists(
    st.builds(Control, oid=st.sampled_from(["1.2", "1.2.840"]), critical=st.booleans(), value=st.none() | OCTETS),
    max_size=3,
).map(tuple)


@given(st.integers(0, 2**31 - 1), OPERATIONS, CONTROLS)
def test_what_is_encoded_is_decoded(message_id, operation, with_controls) -> None:
    octets = encode(message_id, operation, with_controls)

    assert decode_id(octets) == message_id
    found = decode(octets)
    assert (found.message_id, found.kind, found.controls) == (message_id, operation[0], with_controls)
    assert encode(message_id, (found.kind, found.content), found.controls) == octets


def test_a_filter_becomes_the_octets_of_the_rfc() -> None:
    wanted = And([Equals("cn", "Babs"), Not(Present("mail")), Parts(attribute="sn", begins="J", ends="n")])

    octets = encode(2, ("searchRequest", Search(base="", filter=wanted).operation()[1]))

    assert b"\xa3\x0a\x04\x02cn\x04\x04Babs" in octets
    assert b"\xa2\x06\x87\x04mail" in octets
    assert b"\xa4\x0c\x04\x02sn0\x06\x80\x01J\x82\x01n" in octets


def test_every_request_can_be_encoded() -> None:
    for write in (
        Add(dn="cn=ä", attributes={"cn": [b"x"]}),
        Modify(dn="cn=x", changes=[Modification(ModifyKind.REPLACE, "cn"), Modification(ModifyKind.ADD, "sn", [b"y"])]),
        Rename(dn="cn=x", new_rdn="cn=y", new_parent="dc=z"),
        Delete(dn="cn=x"),
    ):
        octets = encode(1, write.operation())
        assert decode(octets).kind == write.operation()[0]


def test_a_result_code_that_nobody_knows_is_a_number() -> None:
    octets = encode(1, ("searchDone", {"resultCode": 4096, "matchedDN": b"", "diagnosticMessage": b""}))

    assert decode(octets).content["resultCode"] == 4096


def test_an_operation_that_nobody_knows_has_a_name() -> None:
    assert decode(bytes.fromhex("30050201017e00")) == Message(1, "unknown", None)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"0\x00",
        b"0\x03\x02\x01",
        b"0\x03\x02\x01\xff",
        b"0\x0c\x02\x01\x01\x64\x07\x04\x7f\x00",
        b"\xff" * 40,
    ],
    ids=repr,
)
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(octets)


def test_mutations_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(4)
    whole = encode(
        7,
        ("searchEntry", {"objectName": b"cn=x", "attributes": [{"type": b"cn", "vals": [b"a" * 20, b"b"]}] * 5}),
        (Control(oid="1.2.3", value=encode_value("Page", {"size": 1, "cookie": b"c"})),),
    )
    refused = 0
    for _ in range(5000):
        octets = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        try:
            decode_id(bytes(octets))
            decode(bytes(octets[: chance.randint(0, len(octets))]))
        except BadMessage:
            refused += 1
    assert 1000 < refused < 5000


def test_deep_nesting_is_refused() -> None:
    octets = b""
    for _ in range(3000):
        octets = b"\xa2" + _length(len(octets)) + octets
    body = b"\x02\x01\x01\x63" + _length(len(octets)) + octets
    with pytest.raises(BadMessage):
        decode(b"0" + _length(len(body)) + body)


def test_controls_say_what_they_were_told() -> None:
    assert controls.next_page(controls.paged(10, b"cookie").value) == b"cookie"
    assert controls.next_page(None) == b""
    state = controls.dir_sync_state(controls.dir_sync(b"c", flags=()).value)
    assert (state.cookie, state.more) == (b"c", False)
    assert controls.dir_sync(flags=(controls.DirSyncFlag.INCREMENTAL_VALUES,)).value is not None
    uuid = "0b8a5c1e-0000-1000-8000-000000000001"
    value = encode_value("SyncState", {"state": 3, "entryUUID": bytes.fromhex(uuid.replace("-", ""))})
    told = controls.sync_state(Message(1, "searchEntry", {}, (Control(oid=controls.SYNC_STATE, value=value),)))
    assert (told.kind, told.entry_uuid) == (controls.SyncStateKind.DELETE, uuid)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("newcookie", b"c", controls.SyncInfo(cookie=b"c")),
        ("refreshPresent", {"cookie": b"c"}, controls.SyncInfo(cookie=b"c", present_phase_ended=True, refreshed=True)),
        ("refreshDelete", {"refreshDone": False}, controls.SyncInfo()),
        (
            "syncIdSet",
            {"refreshDeletes": True, "syncUUIDs": [bytes(16)]},
            controls.SyncInfo(gone=("00000000-0000-0000-0000-000000000000",)),
        ),
    ],
)
def test_what_a_directory_says_in_between(kind, value, said) -> None:
    content = {
        "responseName": controls.SYNC_INFO.encode(),
        "responseValue": encode_value("SyncInfo", (kind, value)),
    }

    assert controls.sync_info(content) == said


@pytest.mark.parametrize("value", [b"", b"0\x05\x0a\x01\x09\x04\x00", b"rubbish"])
def test_a_control_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(BadMessage):
        controls.sync_state(Message(1, "searchEntry", {}, (Control(oid=controls.SYNC_STATE, value=value),)))


def test_messages_are_cut_wherever_the_stream_is() -> None:
    messages = [encode(number, ("deleteRequest", b"x" * number * 50)) for number in range(1, 20)]
    stream = b"".join(messages)
    for size in (1, 2, 3, 7, 100, 1000, len(stream)):
        framer = Framer()
        found = [each for at in range(0, len(stream), size) for each in framer.feed(stream[at : at + size])]
        assert found == messages


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"HTTP/1.1 400", "no LDAP server"),
        (b"\x30\x80\x02", "does not allow"),
        (b"\x30\x89" + b"\0" * 9, "does not allow"),
        (b"\x30\xff" + b"\xff" * 10, "does not allow"),
        (b"\x30\x84\x7f\xff\xff\xff", "are refused"),
    ],
)
def test_a_stream_that_is_no_ldap_is_refused_at_its_first_octets(octets: bytes, reason: str) -> None:
    with pytest.raises(BadMessage, match=reason):
        list(Framer().feed(octets))


def test_a_message_in_pieces_costs_no_more_than_itself() -> None:
    big = encode(1, ("deleteRequest", b"x" * 8_000_000))
    framer = Framer()
    tracemalloc.start()
    try:
        found = [each for at in range(0, len(big), 65536) for each in framer.feed(big[at : at + 65536])]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == [big]
    assert peak < 4 * len(big)


def test_sealed_buffers_are_cut_and_bounded() -> None:
    framer = SealedFramer()
    assert list(framer.feed(b"\0\0\0\x03ab")) == []
    assert list(framer.feed(b"c\0\0\0\x01d\0")) == [b"abc", b"d"]
    with pytest.raises(BadMessage):
        list(SealedFramer().feed(b"\xff\xff\xff\xff"))


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def test_the_codecs_filters_have_no_other_way_in() -> None:
    assert for_codec(Equals("cn", "*)(uid=*")) == (
        "equalityMatch",
        {"attributeDesc": b"cn", "assertionValue": b"*)(uid=*"},
    )
