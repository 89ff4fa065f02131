"""WMI over WS-Management, asked by a plain pypsrp client."""

import threading
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import NAMESPACES, WSMan

from autosync.adapters.engines.simulated.faults import Ending
from autosync.testing.mim.cim import ENGINE
from autosync.testing.mim.knobs import Rights, RunScript, TimedOut
from autosync.testing.mim.provider import MimProvider
from autosync.testing.mim.server import Area, MimStandIn
from tests.unit.mim_stand_in.raw import (
    DENIED,
    FILTER,
    INTERNAL,
    NOT_FOUND,
    ROOT,
    SYSTEM,
    TIMED_OUT,
    execute,
    get,
    invoke,
    items,
    select,
    selectors,
)

AGENT = "MIIS_ManagementAgent"


def make_long(inside: MimProvider, seconds: float) -> None:
    inside.knobs.script("HR", "DI", RunScript(ending=Ending(extra_s=seconds)))


def test_an_instance_is_got_by_its_key(client: WSMan, inside: MimProvider) -> None:
    listed = inside.agents()[0]

    assert get(client, AGENT, Name="hr") == {"Guid": listed.guid, "Name": "HR", "Type": "SQL Server"}


def test_what_is_not_there_gets_the_fault_for_it(client: WSMan) -> None:
    for of, named in ((AGENT, {"Name": "nobody"}), ("MIIS_Nothing", {}), ("MIIS_RunHistory", {"Key": "x"})):
        with pytest.raises(WSManFaultError) as fault:
            get(client, of, **named)
        assert fault.value.code == NOT_FOUND


def test_execute_returns_when_the_run_has_ended(client: WSMan) -> None:
    assert execute(client, "HR", "DI") == "success"
    assert execute(client, "HR", "none such") == "no-start-unknown-profile-name"
    assert invoke(client, AGENT, "RunNumber", {"Name": "HR"}) == "1"
    assert invoke(client, AGENT, "RunDetails", {"Name": "HR"}).startswith("<?xml")


def test_a_run_longer_than_the_operation_timeout_goes_on(client: WSMan, inside: MimProvider) -> None:
    make_long(inside, 3600)
    inside.knobs.time_limit_s = 0.05
    with pytest.raises(WSManFaultError) as fault:
        execute(client, "HR", "DI", timeout=3600)

    assert fault.value.code == TIMED_OUT
    assert invoke(client, AGENT, "RunStatus", {"Name": "HR"}) == "in-progress"
    assert select(client, "SELECT * FROM MIIS_RunHistory")[0]["RunEndTime"] is None


def test_what_has_no_value_may_be_written_as_nothing_or_as_an_empty_text(client, server, inside: MimProvider) -> None:
    make_long(inside, 3600)
    inside.begin("HR", "DI")
    first = select(client, "SELECT * FROM MIIS_RunHistory")[0]["RunEndTime"]
    server.cim.writes_nil = False
    second = select(client, "SELECT * FROM MIIS_RunHistory")[0]["RunEndTime"]

    assert (first, second) == (None, "")


def test_or_it_is_cancelled_if_the_test_says_so(client: WSMan, inside: MimProvider) -> None:
    make_long(inside, 3600)
    inside.knobs.time_limit_s, inside.knobs.timed_out = 0.05, TimedOut.CANCELLED
    with pytest.raises(WSManFaultError):
        execute(client, "HR", "DI")

    assert invoke(client, AGENT, "RunStatus", {"Name": "HR"}) == "stopped-user-termination-from-wmi-or-ui"


def test_stop_ends_the_run_and_the_execute_that_waits(sign_in, inside: MimProvider) -> None:
    make_long(inside, 3600)
    said: list[str] = []
    waiting, other = sign_in(), sign_in()
    thread = threading.Thread(target=lambda: said.append(execute(waiting, "HR", "DI", timeout=10)))
    thread.start()
    while not inside.running():
        thread.join(0.005)
    stopped = invoke(other, AGENT, "Stop", {"Name": "HR"})
    thread.join(5)

    assert (stopped, said) == ("success", ["stopped-user-termination-from-wmi-or-ui"])


def test_queries_choose_rows_and_answers_come_in_pages(client: WSMan, inside: MimProvider, server: MimStandIn) -> None:
    server.cim.most_elements = 7
    for _ in range(16):
        inside.begin("HR", "DI")
        inside.stop("HR")
    inside.begin("AD", "DI DC=north,DC=corp,DC=example")
    inside.stop("AD")
    rows = select(client, "select * from MIIS_RunHistory where MaName = 'HR'")
    since = select(client, f"SELECT * FROM MIIS_RunHistory WHERE RunStartTime >= '{rows[0]['RunStartTime']}'")
    some = select(client, "SELECT Key, RunNumber FROM MIIS_RunHistory WHERE MaName='AD' OR RunNumber='3'", at_once=1)

    assert [row["RunNumber"] for row in rows] == [str(number) for number in range(1, 17)]
    assert len(since) == 17
    assert [sorted(row) for row in some] == [["Key", "RunNumber"]] * 2
    assert sum(call.action == "Pull" for call in server.calls) == 5


def test_an_answer_never_exceeds_the_envelope(client: WSMan, sign_in, inside: MimProvider) -> None:
    for _ in range(40):
        inside.begin("HR", "DI")
        inside.stop("HR")
    inside.knobs.details = "x" * 200_000
    small, large = sign_in(max_envelope_size=8192), sign_in(max_envelope_size=400_000)
    with pytest.raises(WSManFaultError) as fault:
        invoke(client, AGENT, "RunDetails", {"Name": "HR"})

    assert fault.value.code == 2150858824
    assert len(select(small, "SELECT * FROM MIIS_RunHistory")) == 40
    assert invoke(large, AGENT, "RunDetails", {"Name": "HR"}) == inside.knobs.details


def test_the_servers_limit_for_envelopes_counts_whatever_the_client_asks(sign_in, inside: MimProvider) -> None:
    inside.knobs.details = "x" * 600_000
    with pytest.raises(WSManFaultError) as fault:
        invoke(sign_in(max_envelope_size=10_000_000), AGENT, "RunDetails", {"Name": "HR"})

    assert fault.value.code == 2150858824


def test_history_is_cleared_by_the_server_object(client: WSMan) -> None:
    execute(client, "HR", "DI")
    answers = [
        invoke(client, "MIIS_Server", "ClearRuns", {"Name": "MIIS_Server1"}, EndingBefore=text)
        for text in ("2000-01-01 00:00:00.000", "2999-01-01", "yesterday")
    ]

    assert answers == ["success", "success", "call-failure:0x80070057"]
    assert not select(client, "SELECT * FROM MIIS_RunHistory")
    assert invoke(client, AGENT, "RunNumber", {"Name": "HR"}) == ""


def test_lack_of_rights_is_a_word_of_methods_and_a_fault_elsewhere(client: WSMan, inside: MimProvider) -> None:
    inside.knobs.rights = Rights.BROWSE
    word = execute(client, "HR", "DI")
    with pytest.raises(WSManFaultError) as fault:
        select(client, "SELECT * FROM MIIS_RunHistory")

    assert (word, fault.value.code) == ("access-denied", DENIED)
    assert get(client, AGENT, Name="HR")


def test_a_stopped_service_is_told(client: WSMan, inside: MimProvider) -> None:
    inside.begin("HR", "DI")
    inside.stop_service()
    with pytest.raises(WSManFaultError) as fault:
        get(client, AGENT, Name="HR")

    assert fault.value.code == INTERNAL
    assert invoke(client, AGENT, "RunStatus", {"Name": "HR"}) == "connection-failure"
    inside.start_service()
    assert invoke(client, AGENT, "RunStatus", {"Name": "HR"}) == "stopped-service-shutdown"


def test_the_servers_clock_is_told_and_may_be_wrong(client: WSMan, inside: MimProvider) -> None:
    inside.knobs.skew_s = 3600
    row = select(client, "SELECT LocalDateTime FROM Win32_OperatingSystem", root=SYSTEM)[0]
    told = datetime.fromisoformat(row["LocalDateTime"] or "")

    assert timedelta(minutes=59) < told - datetime.now(UTC) < timedelta(minutes=61)
    run = inside.start_foreign("HR", "DI")
    assert run.started > datetime.now(UTC) + timedelta(minutes=59)


def test_rights_are_asked_for_at_each_door(client: WSMan, server: MimStandIn) -> None:
    server.denies = {Area.WMI}
    with pytest.raises(WSManFaultError, match="WMI service returned"):
        get(client, AGENT, Name="HR")
    server.denies = {Area.WINRM}
    with pytest.raises(WSManFaultError) as fault:
        get(client, AGENT, Name="HR")

    assert fault.value.code == 5


def test_another_server_has_not_the_namespace(client: WSMan, server: MimStandIn) -> None:
    server.cim.namespaces.remove(ENGINE)
    with pytest.raises(WSManFaultError, match="invalid namespace"):
        select(client, "SELECT * FROM MIIS_ManagementAgent")
    with pytest.raises(WSManFaultError, match="invalid namespace"):
        execute(client, "HR", "DI")

    assert select(client, "SELECT * FROM Win32_OperatingSystem", root=SYSTEM)


@pytest.mark.parametrize("query", ["", "DELETE FROM MIIS_RunHistory", "SELECT * FROM X WHERE A='", "SELECT * FROM X y"])
def test_what_is_no_query_is_refused(client: WSMan, query: str) -> None:
    with pytest.raises(WSManFaultError) as fault:
        select(client, query)

    assert fault.value.code == FILTER


def test_a_slow_client_may_begin_without_items_and_let_go_of_the_rest(client: WSMan, server: MimStandIn) -> None:
    uri = f"{ROOT}MIIS_ManagementAgent"
    begun = client.enumerate(uri, ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate"))
    context = begun.findtext(".//wsen:EnumerationContext", "", NAMESPACES)
    first = items(client.pull(uri, carry_on("Pull", context)))
    with pytest.raises(WSManFaultError) as fault:
        client.pull(uri, carry_on("Pull", context))

    assert (len(first), fault.value.code) == (1, 2150858779)
    released = client.enumerate(uri, ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate"))
    again = released.findtext(".//wsen:EnumerationContext", "", NAMESPACES)
    client.invoke(f"{NAMESPACES['wsen']}/Release", uri, carry_on("Release", again))
    with pytest.raises(WSManFaultError):
        client.pull(uri, carry_on("Pull", again))


def carry_on(word: str, context: str) -> ET.Element:
    body = ET.Element(f"{{{NAMESPACES['wsen']}}}{word}")
    ET.SubElement(body, f"{{{NAMESPACES['wsen']}}}EnumerationContext").text = context
    return body


@pytest.mark.parametrize(("of", "method"), [(AGENT, "Explode"), ("MIIS_RunHistory", "Stop"), ("MIIS_Server", "Clear")])
def test_what_is_no_method_is_told(client: WSMan, of: str, method: str) -> None:
    with pytest.raises(WSManFaultError):
        invoke(client, of, method, {"Name": "HR"})


def test_arguments_are_read_in_the_namespace_of_the_class_alone(client: WSMan, inside: MimProvider) -> None:
    uri = f"{ROOT}{AGENT}"
    with pytest.raises(WSManFaultError) as fault:
        client.invoke(f"{uri}/Execute", uri, ET.Element("Execute_INPUT"), selector_set=selectors({"Name": "HR"}))

    assert fault.value.code == 2150858791
    assert not inside.executed


def test_the_limits_of_winrm_can_be_read_by_those_who_may(client: WSMan, server: MimStandIn) -> None:
    client.update_max_payload_size()
    server.config_is_readable = False
    with pytest.raises(WSManFaultError) as fault:
        client.get_server_config()

    assert client.max_envelope_size == 500 * 1024
    assert fault.value.code == 5
    with pytest.raises(WSManFaultError):
        client.get_server_config("config/listener")


def test_an_envelope_too_small_for_anything_is_refused(sign_in) -> None:
    with pytest.raises(WSManFaultError) as fault:
        get(sign_in(max_envelope_size=4000), AGENT, Name="HR")

    assert fault.value.code == 2150858824
