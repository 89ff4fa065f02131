"""The C# that users' scripts need, compiled as Windows PowerShell 5.1 does it (C# 5), and used as old scripts do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from autosync.adapters.scripts.powershell.command import BRIDGE
from scripts.services.processes import ServiceMissing
from tests.integration.conftest import absent

TYPES, SEARCH = (BRIDGE.with_name(name) for name in ("types.cs", "persistent_search.cs"))
PROTOCOLS = "System.DirectoryServices.Protocols.dll"

USED = """
using System;
using Lithnet.Miiserver.AutoSync;
using Lithnet.Miiserver.Client;

public static class Used
{
    public static void Main()
    {
        ExecutionParameters asked = new ExecutionParameters("DI", true);
        Console.WriteLine("{0} {1} {2}", asked.RunProfileName, asked.Exclusive, asked.RunProfileType);
        asked = new ExecutionParameters(MARunProfileType.DeltaImport);
        Console.WriteLine("{0} {1} {2}", asked.RunProfileName == null, asked.RunProfileType, asked.PartitionID);
        UnexpectedChangeException stop = new UnexpectedChangeException(true, "too many");
        Console.WriteLine("{0} {1} {2}", stop.ShouldTerminateService, stop.Message, stop is Exception);
        RunStep step = new RunStep { Type = RunStepType.FullImportDeltaSynchronization };
        Console.WriteLine("{0} {1} {2} {3}", step.IsImportStep, step.IsDeltaSyncStep, step.IsFullSyncStep, step.IsExportStep);
        StagingCounters staged = new StagingCounters { StageAdd = 2, StageDelete = 1 };
        RunDetails details = new RunDetails { StepDetails = new[] { new StepDetails { StagingCounters = staged } } };
        Console.WriteLine("{0}", details.StepDetails[0].StagingCounters.StagingChanges);
        CallbackEventBridge bridge = CallbackEventBridge.Create();
        bridge.CallbackComplete += delegate { Console.WriteLine("called back"); };
        bridge.Callback(null);
    }
}
"""
SAYS = """DI True None
True DeltaImport 00000000-0000-0000-0000-000000000000
True too many True
True True False False
3
called back
"""


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("mcs")
    if found is None or shutil.which("mono") is None:
        absent(ServiceMissing("mono-mcs and mono-runtime", "mono"))
    assert found is not None
    return found


def compiled(compiler: str, target: Path, *arguments: str) -> Path:
    """Compile as C# 5, with every warning an error; what Add-Type may not know is not given to the compiler either."""
    command = [compiler, "-langversion:5", "-warn:4", "-warnaserror", f"-out:{target}", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return target


def test_the_types_need_nothing_but_csharp_5_and_do_what_old_scripts_expect(compiler: str, tmp_path: Path) -> None:
    types = compiled(compiler, tmp_path / "types.dll", "-target:library", str(TYPES))
    source = tmp_path / "used.cs"
    source.write_text(USED, encoding="utf-8")
    program = compiled(compiler, tmp_path / "used.exe", f"-r:{types}", str(source))
    answer = subprocess.run(
        ["mono", str(program)], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )

    assert answer.stdout == SAYS, answer.stderr


def test_the_control_of_persistent_searches_compiles(compiler: str, tmp_path: Path) -> None:
    """It cannot be used here: Mono's BerConverter does not encode."""
    assert compiled(compiler, tmp_path / "search.dll", "-target:library", f"-r:{PROTOCOLS}", str(SEARCH)).stat().st_size
