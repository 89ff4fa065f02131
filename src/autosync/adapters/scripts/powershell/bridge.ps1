# The program around a PowerShell script on this machine: takes requests as lines of JSON from standard input, and writes
# lines of JSON as answers. It answers at any time, also during a call. Nothing here may name the automatic variable of
# pipeline input: the console host would then read standard input itself.

if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    '{"ready":false,"protocol":1,"reason":"PowerShell is in Constrained Language Mode (application control); allow bridge.ps1 and work.ps1 of AutoSync there"}'
    exit 3
}
. (Join-Path $PSScriptRoot 'work.ps1')

$utf8 = [System.Text.UTF8Encoding]::new($false)
$requests = [System.IO.StreamReader]::new([Console]::OpenStandardInput(), $utf8)
$answers = [System.IO.StreamWriter]::new([Console]::OpenStandardOutput(), $utf8)
$answers.NewLine = "`n"
$answers.AutoFlush = $true
# What the script writes to the console must not get between the answers.
[Console]::SetOut([System.IO.TextWriter]::Null)
try { [Console]::OutputEncoding = $utf8 } catch { $Error.Clear() }

function Write-Answer([string] $line) { $script:answers.WriteLine($line) }

Send-Ready
$next = $requests.ReadLineAsync()
while ($true) {
    $patience = -1
    if ($null -ne $work) { $patience = 25 }
    if ($next.Wait($patience)) {
        $line = $next.Result
        if ($null -eq $line) { [Environment]::Exit(0) }
        $next = $requests.ReadLineAsync()
        Receive-Request $line
    }
    if ($null -ne $work) { Step-Work }
}
