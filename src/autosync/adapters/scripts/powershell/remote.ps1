# autosync: script bridge
# The program around a PowerShell script in a session of PowerShell remoting. It is loaded into the session before work.ps1;
# then these functions are called by name, with parameters:
#
#   Open-AutoSyncBridge                         says that it is ready, or why not
#   Set-AutoSyncCredential -Credential <...>    what the script gets as credentials
#   Invoke-AutoSyncRequest -Request <json>      carries out one request; the lines that answer are its output
#
# All output is lines of JSON. A call ends with the pipeline: whoever stops that, stops the script.

function Write-Answer([string] $line) { Write-Output $line }

function Open-AutoSyncBridge {
    if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
        return '{"ready":false,"protocol":1,"reason":"PowerShell is in Constrained Language Mode there (application control, or the session configuration); give session-configuration one that allows scripts"}'
    }
    Send-Ready
}

function Set-AutoSyncCredential {
    param([Parameter(Mandatory = $true)] [pscredential] $Credential)
    $script:credential = $Credential
}

function Invoke-AutoSyncRequest {
    param([Parameter(Mandatory = $true)] [string] $Request)
    try {
        Receive-Request $Request
        while ($null -ne $script:work) {
            # Short waits, because a single long one could not be stopped.
            [void]$script:work.handle.AsyncWaitHandle.WaitOne(50)
            Step-Work
        }
    }
    finally {
        if ($null -ne $script:work) {
            # Stopped from afar: the script gets a moment for what it does at its end.
            $stopping = $script:work.pipeline.BeginStop($null, $null)
            [void]$stopping.AsyncWaitHandle.WaitOne(2000)
            $script:work = $null
        }
    }
}

