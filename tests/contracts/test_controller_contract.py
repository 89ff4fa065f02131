"""Controller scripts in each language under the suite that every adapter must pass."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autosync.adapters.scripts.controller import ScriptController, controller_script
from autosync.adapters.scripts.details import run_details
from autosync.testing.contracts.scripts import AGENT, CASES, ScriptContract, ScriptStage, ended_run
from tests.unit.scripts.places import HOSTS, QUICK, OneSecret, machine, script_options

LIMIT_S = 0.5

PYTHON = """\
import time
import autosync_scripts
calls = 0
def should_execute(profile):
    global calls
    match profile:
        case "FS":
            return False, "not today"
        case "hang":
            time.sleep(600)
        case "fail":
            raise ValueError("broken")
        case "stop":
            raise autosync_scripts.UnexpectedChange("too many")
        case "count":
            calls += 1
            return calls == 1
def execution_complete(details):
    assert details.agent == "mim/HR" and details.steps[1].outbound[0].changes == 3
    if details.steps[0].staged.deletes > 1000:
        raise autosync_scripts.UnexpectedChange("emptied", stop_all=True)
"""

POWERSHELL = """\
$global:calls = 0
function ShouldExecute {
    param([string]$runProfileName)
    switch ($runProfileName) {
        'FS' { $false; 'not today' }
        'hang' { while ($true) { Start-Sleep -Seconds 1 } }
        'fail' { throw 'broken' }
        'stop' { throw (New-Object Lithnet.Miiserver.AutoSync.UnexpectedChangeException($false, 'too many')) }
        'count' { $global:calls++; $global:calls -eq 1 }
        default { $true }
    }
}
#fake ShouldExecute FS => {"outputs": [false, "not today"]}
#fake ShouldExecute hang => {"hang": true}
#fake ShouldExecute fail => {"error": "broken"}
#fake ShouldExecute stop => {"unexpected": false, "message": "too many"}
#fake ShouldExecute count => {"first": true}
#fake ShouldExecute => {"outputs": [true]}
function ExecutionComplete {
    param([Lithnet.Miiserver.Client.RunDetails]$lastRunDetails)
    $import = @($lastRunDetails.StepDetails | Where-Object { $_.StepDefinition.Type -eq 'DeltaImport' })[0]
    if ($lastRunDetails.MAName -ne 'HR' -or $lastRunDetails.LastStepStatus -ne 'completed-sync-errors') { throw 'wrong run' }
    if ($lastRunDetails.StepDetails[0].OutboundFlowCounters[0].OutboundFlowChanges -ne 3) { throw 'wrong flow' }
    if ($import.StagingCounters.StageDelete -gt 1000) {
        throw (New-Object Lithnet.Miiserver.AutoSync.UnexpectedChangeException($true, 'emptied'))
    }
}
#fake ExecutionComplete "StageDelete": 1001 => {"unexpected": true, "message": "emptied"}
#fake ExecutionComplete => {}
"""

TEXTS = {"python": PYTHON, "fake pwsh": POWERSHELL, "remote": POWERSHELL, "pwsh": POWERSHELL}
BROKEN = {"python": "def f(:\n", "fake pwsh": "function f {\n", "remote": "function f {\n", "pwsh": "function f {\n"}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("case", CASES)
def test_a_controller_script_keeps_its_promises(case: str, host: str, tmp_path: Path) -> None:
    with machine(host) as server:

        def made(text: str) -> ScriptController:
            options = script_options(host, tmp_path, text, LIMIT_S, server=server)
            return controller_script(options, AGENT, OneSecret(), QUICK)

        stage = ScriptStage(
            make=lambda: made(TEXTS[host]),
            make_empty=lambda: made("# nothing\n"),
            make_broken=lambda: made(BROKEN[host]),
            patience_s=4.0 if host == "remote" else 3.0,
            limit_s=LIMIT_S,
        )
        asyncio.run(getattr(ScriptContract(stage), case)())


def test_the_predecessors_words_are_those_that_old_scripts_read() -> None:
    details: Any = run_details(ended_run(deletes=12)).value

    assert (details["MAName"], details["RunNumber"], details["RunProfileName"]) == ("HR", 4711, "DI")
    assert details["LastStepStatus"] == "completed-sync-errors"
    sync, imported = details["StepDetails"]
    assert [sync["StepNumber"], imported["StepNumber"]] == [2, 1]
    assert imported["StepDefinition"] == {"Type": "DeltaImport", "Partition": "default"}
    assert imported["StagingCounters"] == {
        "StageAdd": 1,
        "StageUpdate": 0,
        "StageRename": 0,
        "StageDelete": 12,
        "StageDeleteAdd": 0,
        "StageNoChange": 7,
    }
    assert imported["ExportCounters"] is None
    assert sync["InboundFlowCounters"] == {"ConnectorFlow": 2}
    assert sync["OutboundFlowCounters"] == [
        {"ManagementAgent": "Corp AD", "ConnectorFlow": 3, "ConnectorNoFlow": 4, "OutboundFlowChanges": 3}
    ]
