# autosync: bridge
#
# What AutoSync runs on a synchronization server through PowerShell remoting, and all that it runs there of its own.
# Loaded once into a session; the functions are then called by name, with parameters:
#
#   Find-Tools                    says where maexport.exe and csexport.exe are
#   maexport -Agent <name>        the configuration of a management agent
#   csexport -Agent <name> -Side <m|x>   its pending imports (m) or pending exports (x)
#   Get-RunDetails -Key <key>     what a run did, where it is too long for one answer of WMI
#
# The files that the tools write are returned as Base64, piece by piece, and deleted, whatever happens.
# Windows PowerShell 5.1 and PowerShell 7. To allow nothing else on the server, put these functions, signed, into a
# session configuration (JEA) and give AutoSync its name (session-configuration).

$script:Namespace = 'root\MicrosoftIdentityIntegrationServer'
$script:FilePrefix = 'autosync-'

function New-Failure {
    param([string] $Id, [string] $Message)
    $exception = New-Object -TypeName System.InvalidOperationException -ArgumentList $Message
    New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $Id, 'NotSpecified', $null
}

function Find-Tools {
    [CmdletBinding()]
    param()
    Remove-Leftovers
    $candidates = @()
    foreach ($service in 'FIMSynchronizationService', 'ADSync') {
        $key = "HKLM:\SYSTEM\CurrentControlSet\Services\$service\Parameters"
        $path = (Get-ItemProperty -LiteralPath $key -Name 'Path' -ErrorAction SilentlyContinue).Path
        if ($path) {
            $candidates += Join-Path -Path $path -ChildPath 'Bin'
        }
    }
    $product = 'Microsoft Forefront Identity Manager\2010\Synchronization Service\Bin'
    $candidates += Join-Path -Path $env:ProgramFiles -ChildPath $product
    foreach ($folder in $candidates) {
        $both = 'maexport.exe', 'csexport.exe' | Where-Object {
            Test-Path -LiteralPath (Join-Path -Path $folder -ChildPath $_) -PathType Leaf
        }
        if (@($both).Count -eq 2) {
            return $folder
        }
    }
    $message = 'maexport.exe and csexport.exe were not found in ' + ($candidates -join ', ')
    $PSCmdlet.ThrowTerminatingError((New-Failure -Id 'NoTools' -Message $message))
}

function maexport {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)] [string] $Agent)
    $file = Get-FreshFile
    try {
        Invoke-Tool -Name 'maexport.exe' -Agent $Agent -Arguments @($Agent, $file)
        Read-InPieces -File $file
    }
    catch {
        $PSCmdlet.ThrowTerminatingError($_)
    }
    finally {
        Remove-Item -LiteralPath $file -Force -ErrorAction SilentlyContinue
    }
}

function csexport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [string] $Agent,
        [Parameter(Mandatory = $true)] [ValidateSet('m', 'x')] [string] $Side
    )
    $file = Get-FreshFile
    try {
        Invoke-Tool -Name 'csexport.exe' -Agent $Agent -Arguments @($Agent, $file, "/f:$Side")
        Read-InPieces -File $file
    }
    catch {
        $PSCmdlet.ThrowTerminatingError($_)
    }
    finally {
        Remove-Item -LiteralPath $file -Force -ErrorAction SilentlyContinue
    }
}

function Get-RunDetails {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [ValidatePattern('^\{[0-9A-Fa-f-]{36}\}-[0-9]{1,18}$')]
        [string] $Key
    )
    $row = Get-CimInstance -Namespace $script:Namespace -ClassName 'MIIS_RunHistory' -Filter "Key = '$Key'" -ErrorAction Stop
    if (-not $row) {
        $PSCmdlet.ThrowTerminatingError((New-Failure -Id 'NoSuchRun' -Message "there is no run $Key"))
    }
    $answer = Invoke-CimMethod -InputObject $row -MethodName 'RunDetails' -ErrorAction Stop
    $bytes = [System.Text.Encoding]::UTF8.GetBytes([string] $answer.ReturnValue)
    $stream = New-Object -TypeName System.IO.MemoryStream -ArgumentList (, $bytes)
    Write-Stream -Stream $stream
}

function Get-FreshFile {
    # The tools do not overwrite a file, so that the name must be new.
    $name = $script:FilePrefix + [guid]::NewGuid().ToString('N') + '.xml'
    Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath $name
}

function Remove-Leftovers {
    # Of sessions that were killed in the middle. A day later nobody reads them any more.
    $yesterday = (Get-Date).AddDays(-1)
    Get-ChildItem -LiteralPath ([System.IO.Path]::GetTempPath()) -Filter ($script:FilePrefix + '*.xml') -ErrorAction SilentlyContinue |
        Where-Object { $_.LastWriteTime -lt $yesterday } |
        Remove-Item -Force -ErrorAction SilentlyContinue
}

function Invoke-Tool {
    param([string] $Name, [string] $Agent, [string[]] $Arguments)
    $start = New-Object -TypeName System.Diagnostics.ProcessStartInfo
    $start.FileName = Join-Path -Path (Find-Tools) -ChildPath $Name
    $start.Arguments = ($Arguments | ForEach-Object { ConvertTo-Argument -Value $_ }) -join ' '
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        # Both are read while it runs: a full pipe would make it wait for ever.
        $said = $process.StandardOutput.ReadToEndAsync()
        $complained = $process.StandardError.ReadToEndAsync()
        # Short waits, because a single long one could not be stopped.
        while (-not $process.WaitForExit(200)) { }
        $process.WaitForExit()
        if ($process.ExitCode -ne 0) {
            throw (Get-Reason -Name $Name -Agent $Agent -Code $process.ExitCode -Said ($said.Result + ' ' + $complained.Result))
        }
    }
    finally {
        if (-not $process.HasExited) {
            $process.Kill()
        }
        $process.Dispose()
    }
}

function ConvertTo-Argument {
    # The rules of CommandLineToArgvW: Windows PowerShell 5.1 itself would lose quotation marks in a name.
    param([string] $Value)
    $escaped = [regex]::Replace($Value, '(\\*)"', '$1$1\"')
    $escaped = [regex]::Replace($escaped, '(\\+)$', '$1$1')
    '"' + $escaped + '"'
}

function Get-Reason {
    # The tools say no more than that they failed: look what it may have been.
    param([string] $Name, [string] $Agent, [int] $Code, [string] $Said)
    $said = ($Said -replace '\s+', ' ').Trim()
    $service = Get-Service -Name 'FIMSynchronizationService', 'ADSync' -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($service -and $service.Status -ne 'Running') {
        return New-Failure -Id 'ServiceStopped' -Message ('the Synchronization Service is ' + $service.Status)
    }
    try {
        $agents = @(Get-CimInstance -Namespace $script:Namespace -ClassName 'MIIS_ManagementAgent' -ErrorAction Stop)
    }
    catch {
        return New-Failure -Id 'AccessDenied' -Message ("$Name failed ($Code), and the agents cannot be listed: " + $_.Exception.Message)
    }
    if (@($agents | Where-Object { $_.Name -eq $Agent }).Count -eq 0) {
        return New-Failure -Id 'NoSuchAgent' -Message "there is no management agent $Agent"
    }
    New-Failure -Id 'ToolFailed' -Message "$Name ended with $Code $said"
}

function Read-InPieces {
    param([string] $File)
    if (-not (Test-Path -LiteralPath $File -PathType Leaf)) {
        throw (New-Failure -Id 'ToolFailed' -Message 'the tool ended well, and wrote no file')
    }
    $stream = [System.IO.File]::Open($File, 'Open', 'Read', 'Read')
    try {
        Write-Stream -Stream $stream
    }
    finally {
        $stream.Dispose()
    }
}

function Write-Stream {
    # A multiple of three, so that the pieces have no padding.
    param([System.IO.Stream] $Stream)
    $buffer = New-Object -TypeName byte[] -ArgumentList 49152
    while (($count = $Stream.Read($buffer, 0, $buffer.Length)) -gt 0) {
        [System.Convert]::ToBase64String($buffer, 0, $count)
    }
}
