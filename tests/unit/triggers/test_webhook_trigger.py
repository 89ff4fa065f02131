"""The webhook trigger: who may call, what is recorded before a sender is told so, and what the journal keeps."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.webhook.checking import LARGEST, refusal, sign
from autosync.adapters.triggers.webhook.evidence import LONGEST, evidence_of, summary_of
from autosync.adapters.triggers.webhook.options import Proof, WebhookOptions
from autosync.adapters.triggers.webhook.watching import WEBHOOK_KIND, WebhookTrigger
from autosync.model.errors import Refused, TriggerFailed
from autosync.model.ids import AgentId, TriggerId
from autosync.model.stimuli import Stimulus, TriggerFired
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.ports.webhook import Delivery, Reception
from autosync.runtime.trigger_host import TriggerHost
from autosync.runtime.trigger_watch import TriggerPart, Ways
from autosync.testing.clock import EPOCH, SimulatedClock
from autosync.testing.simulation import run_simulated

KNOWN = "a secret that both know"
REFERENCE = SecretReference(kind=SecretKind.ENV, name="HOOK")
SIGNED = WebhookOptions(secret=REFERENCE)
BY_TOKEN = WebhookOptions(secret=REFERENCE, proof=Proof.TOKEN)
NOW = EPOCH


def delivery(body: bytes = b"{}", message: str = "m1", *, secret: str = KNOWN, late_s: float = 0) -> Delivery:
    time = str(int(NOW.timestamp() - late_s))
    headers = {
        "webhook-id": message,
        "webhook-timestamp": time,
        "webhook-signature": f"v1,AAAA {sign(secret, message, time, body)}",
    }
    return Delivery(headers=headers, body=body)


def test_signatures_are_those_of_standard_webhooks() -> None:
    """The example of the specification."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    assert (
        sign(secret, message, "1614265330", b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("sent", "reception"),
    [
        (delivery(), None),
        (delivery(late_s=299), None),
        (delivery(late_s=-299), None),
        (delivery(late_s=301), Reception.STALE),
        (delivery(late_s=-301), Reception.STALE),
        (delivery(secret="another"), Reception.NOT_AUTHENTIC),
        (Delivery(headers=delivery(b"{}").headers, body=b"{ }"), Reception.NOT_AUTHENTIC),
        (Delivery(headers={**delivery().headers, "webhook-id": "m2"}, body=b"{}"), Reception.NOT_AUTHENTIC),
        (Delivery(headers={**delivery().headers, "webhook-timestamp": "0"}, body=b"{}"), Reception.NOT_AUTHENTIC),
        (delivery(message=""), Reception.NOT_AUTHENTIC),
        (delivery(message="m" * 201), Reception.NOT_AUTHENTIC),
        (Delivery(headers={}, body=b"{}"), Reception.NOT_AUTHENTIC),
        (Delivery(headers={"authorization": f"Bearer {KNOWN}"}, body=b"{}"), Reception.NOT_AUTHENTIC),
        (delivery(b"x" * (LARGEST + 1)), Reception.TOO_LARGE),
    ],
)
def test_only_who_knows_the_secret_may_call_and_only_now(sent: Delivery, reception: Reception | None) -> None:
    answer = refusal(sent, SIGNED, KNOWN, NOW)

    assert (answer and answer.reception) == reception
    assert KNOWN not in str(answer)


@pytest.mark.parametrize("time", ["x", "²", "9" * 13, "", "1e9"])
def test_a_signed_time_that_is_none_is_refused(time: str) -> None:
    headers = {"webhook-id": "m", "webhook-timestamp": time, "webhook-signature": sign(KNOWN, "m", time, b"")}

    answer = refusal(Delivery(headers=headers, body=b""), SIGNED, KNOWN, NOW)

    assert answer
    assert answer.reception is Reception.STALE


@pytest.mark.parametrize(
    ("header", "good"),
    [(f"Bearer {KNOWN}", True), (f"bearer  {KNOWN} ", True), ("Bearer x", False), (KNOWN, False), ("Bearer ü", False)],
)
def test_a_token_may_be_the_proof(header: str, good: bool) -> None:
    assert (refusal(Delivery(headers={"authorization": header}, body=b""), BY_TOKEN, KNOWN, NOW) is None) == good


def test_what_looks_like_a_secret_is_masked_in_the_evidence() -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "replace", "path": "password", "value": "hunter2"},
            {"op": "replace", "path": "title", "value": "Chief"},
        ],
        "userPassword": "hunter2",
        "inner": [{"api_key": {"deep": "hunter2"}, "ClientSecret": "hunter2", "x": 1}],
    }

    kept = evidence_of(json.dumps(body).encode())

    assert "hunter2" not in kept
    assert json.loads(kept)["Operations"][1]["value"] == "Chief"
    assert json.loads(kept)["inner"][0] == {"api_key": "***", "ClientSecret": "***", "x": 1}
    assert summary_of(json.dumps(body).encode()) == "SCIM, 2 operations"


@pytest.mark.parametrize(
    ("body", "kept", "told"),
    [
        (b"password=hunter2", "16 bytes that are no JSON", "16 bytes"),
        (b"\xff\xfe", "2 bytes that are no JSON", "2 bytes"),
        (b"[" * 100_000, "100,000 bytes that are no JSON", "100,000 bytes"),
        (b'"\\ud800"', '"?"', "8 bytes of JSON"),
        (b'{"schemas": ["urn:scim:core:User"]}', '{"schemas":["urn:scim:core:User"]}', "a SCIM resource"),
    ],
)
def test_whatever_comes_is_kept_in_bounds(body: bytes, kept: str, told: str) -> None:
    assert (evidence_of(body), summary_of(body)) == (kept, told)


def test_a_long_body_is_cut() -> None:
    kept = evidence_of(json.dumps({"x": "y" * 100_000}).encode())

    assert len(kept) < LONGEST + 50
    assert kept.endswith("… (100,008 characters)")


class Writer:
    """The writer: records what it is given, at once or when told, or not at all."""

    def __init__(self) -> None:
        self.recorded: list[TriggerFired] = []
        self.may = asyncio.Event()
        self.may.set()
        self.refuses = False

    def submit(self, _stimulus: Stimulus) -> bool:
        return True

    async def record(self, stimulus: Stimulus) -> None:
        await self.may.wait()
        if self.refuses:
            raise Refused("AutoSync is busy")
        assert isinstance(stimulus, TriggerFired)
        self.recorded.append(stimulus)


def hosted(act: Callable[..., object], options: WebhookOptions = SIGNED) -> None:
    """Let a webhook trigger be called while its host runs."""

    async def main(clock: SimulatedClock, _random: Random) -> None:
        writer, trigger = Writer(), WebhookTrigger(options, clock, Secrets({"HOOK": KNOWN}))
        ways = Ways(submit=writer.submit, token_of=lambda _id: None, record=writer.record)
        host = TriggerHost(ways, clock, Random(1))
        host.replace([TriggerPart(id=TriggerId("home/hr#webhook"), agent=AgentId("home/hr"), trigger=trigger)])
        async with asyncio.TaskGroup() as group:
            task = group.create_task(host.run(), name="host")
            await clock.sleep(0)
            await clock.sleep(0)
            await act(writer, trigger, host)  # type: ignore[misc]
            task.cancel()

    run_simulated(main)


def test_a_sender_is_told_once_its_firing_is_durable() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        writer.may.clear()
        async with asyncio.TaskGroup() as group:
            call = group.create_task(trigger.receive(delivery(b'{"x": 1}')), name="call")
            await asyncio.sleep(1)
            assert not call.done()
            writer.may.set()
        (fired,) = writer.recorded
        assert call.result().reception is Reception.RECORDED
        assert (fired.evidence, fired.text) == ('{"x":1}', "8 bytes of JSON")
        assert host.health()[TriggerId("home/hr#webhook")].fires == 1

    hosted(act)


def test_a_delivery_that_comes_again_is_recorded_once() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        receptions = [(await trigger.receive(delivery())).reception for _ in range(3)]
        await trigger.receive(delivery(message="m2"))
        assert receptions == [Reception.RECORDED, Reception.REPEATED, Reception.REPEATED]
        assert len(writer.recorded) == 2

    hosted(act)


def test_what_could_not_be_recorded_may_come_again() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        writer.refuses = True
        first = await trigger.receive(delivery())
        writer.refuses = False
        second = await trigger.receive(delivery())
        assert (first.reception, second.reception) == (Reception.NOT_NOW, Reception.RECORDED)
        assert "AutoSync is busy; send it again" in first.text

    hosted(act)


def test_a_writer_that_hangs_keeps_nobody_waiting_for_ever() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        writer.may.clear()
        assert (await trigger.receive(delivery())).reception is Reception.NOT_NOW
        writer.may.set()

    hosted(act)


def test_a_trigger_that_is_off_asks_to_come_again_and_forgets_nobody() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        writer.may.clear()
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(trigger.receive(delivery(message=f"m{n}")), name=f"call {n}") for n in range(3)]
            await asyncio.sleep(0.1)
            host.disable(TriggerId("home/hr#webhook"))
        assert {call.result().reception for call in calls} == {Reception.NOT_NOW}
        assert (await trigger.receive(delivery())).reception is Reception.NOT_NOW

    hosted(act)


def test_the_body_is_not_kept_where_that_is_not_wanted() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        await trigger.receive(delivery(b'{"x": 1}'))
        assert writer.recorded[0].evidence == ""

    hosted(act, WebhookOptions(secret=REFERENCE, keep_body=False))


def test_old_ids_are_forgotten() -> None:
    async def act(writer: Writer, trigger: WebhookTrigger, host: TriggerHost) -> None:
        headers = {"authorization": f"Bearer {KNOWN}"}
        for number in range(5):
            await trigger.receive(Delivery(headers={**headers, "webhook-id": str(number)}, body=b""))
            await asyncio.sleep(700)
        assert len(trigger._recorded) == 1

    hosted(act, BY_TOKEN)


def test_a_secret_that_is_not_there_is_told() -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        async with aclosing(WebhookTrigger(SIGNED, clock, Secrets({})).watch(None)) as watching:
            with pytest.raises(TriggerFailed, match="HOOK is not set"):
                await anext(watching)

    run_simulated(main)


def test_the_options_are_read(tmp_path: Path) -> None:
    parsed = WEBHOOK_KIND.parse(
        {"secret": {"env": "HOOK"}, "proof": "token", "tolerance": "1m", "keep-body": False}, tmp_path
    )

    assert parsed.mistakes == ()
    assert parsed.options == WebhookOptions(
        secret=REFERENCE, proof=Proof.TOKEN, tolerance=timedelta(minutes=1), keep_body=False
    )
    assert "hunter2" not in str(WEBHOOK_KIND.parse({"secret": "hunter2"}, tmp_path).mistakes)
