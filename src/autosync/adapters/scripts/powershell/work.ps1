# The work of the programs around a PowerShell script: loads it, calls its functions, and turns what they give into lines of
# JSON. Part of bridge.ps1 and of remote.ps1, which say how a line is written (Write-Answer) and where requests come from.
# Windows PowerShell 5.1 and PowerShell 7. The script lives in a runspace of its own, so that a call can be stopped, and
# nothing here gets in the way of its names.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$protocol = 1
$deepest = 6
$mostItems = 1000
# Windows PowerShell would else write some lists as an object with a value and a count.
if ($PSVersionTable.PSVersion.Major -lt 6) { Remove-TypeData -TypeName System.Array -ErrorAction SilentlyContinue }


$credential = $null
$runspace = $null
$work = $null
$path = ''

function Send-Ready {
    Send-Line @{ ready = $true; protocol = $script:protocol; pid = $PID; version = "$($PSVersionTable.PSVersion) $($PSVersionTable.PSEdition)" }
}

function Send-Line([hashtable] $fields) {
    $json = ConvertTo-Json -InputObject $fields -Compress -Depth 20
    # Pure ASCII: no code page can change it.
    $ascii = [regex]::Replace($json, '[^\x20-\x7e]', { param($found) '\u{0:x4}' -f [int][char]$found.Value })
    Write-Answer $ascii
}

function ConvertTo-PlainText([string] $text) {
    # A new text without the properties that PowerShell hangs on texts, which ConvertTo-Json would write, too.
    return [string]::new($text.ToCharArray())
}

function ConvertTo-PlainList($values, [int] $depth) {
    $list = [System.Collections.ArrayList]::new()
    foreach ($each in $values) {
        if ($list.Count -ge $script:mostItems) { break }
        [void]$list.Add((ConvertTo-Plain $each ($depth + 1)))
    }
    return , $list.ToArray()
}

function ConvertTo-PlainMap($value, [int] $depth) {
    $map = @{}
    if ($value -is [System.Collections.IDictionary]) {
        foreach ($key in @($value.Keys)) { $map[[string]$key] = ConvertTo-Plain $value[$key] ($depth + 1) }
        return $map
    }
    foreach ($property in $value.PSObject.Properties) {
        if ($map.Count -ge $script:mostItems) { break }
        try { $map[$property.Name] = ConvertTo-Plain $property.Value ($depth + 1) } catch { $map[$property.Name] = $null }
    }
    return $map
}

function ConvertTo-Plain($value, [int] $depth) {
    if ($null -eq $value) { return $null }
    if ($value -is [string] -or $value -is [char]) { return ConvertTo-PlainText $value }
    if ($value -is [bool]) { return [bool]$value }
    if ($value -is [System.Enum] -or $value -is [guid] -or $value -is [timespan] -or $value -is [version] -or $value -is [uri]) {
        return ConvertTo-PlainText ($value.ToString())
    }
    if ($value -is [double] -or $value -is [float]) {
        if ([double]::IsNaN($value) -or [double]::IsInfinity($value)) { return ConvertTo-PlainText ($value.ToString()) }
        return $value
    }
    if ($value -is [System.ValueType] -and $value.GetType().IsPrimitive -or $value -is [decimal]) { return $value }
    if ($value -is [datetime]) { return ConvertTo-PlainText ($value.ToUniversalTime().ToString('o')) }
    if ($value -is [datetimeoffset]) { return ConvertTo-PlainText ($value.UtcDateTime.ToString('o')) }
    if ($value -is [System.Security.SecureString] -or $value -is [pscredential]) { return $null }
    if ($depth -ge $script:deepest) { return ConvertTo-PlainText ($value.ToString()) }
    if ($value -is [System.Collections.IEnumerable] -and $value -isnot [System.Collections.IDictionary]) {
        return , (ConvertTo-PlainList $value $depth)
    }
    return ConvertTo-PlainMap $value $depth
}

function Get-Text($marked) {
    # Texts come with a mark before them: PowerShell 7 would else make moments of those that look like one.
    if ($null -eq $marked) { return $null }
    return $marked.Substring(1)
}

function ConvertTo-Shape([type] $type, $data) {
    # Fills an object of one of AutoSync's types, and the objects in it.
    $shape = [Activator]::CreateInstance($type)
    foreach ($given in $data.PSObject.Properties) {
        $property = $type.GetProperty($given.Name)
        if ($null -eq $property -or -not $property.CanWrite -or $null -eq $given.Value) { continue }
        $wanted = $property.PropertyType
        $name = $given.Name
        if ($wanted.IsArray) {
            $items = @($given.Value)
            $array = [Array]::CreateInstance($wanted.GetElementType(), $items.Count)
            for ($place = 0; $place -lt $items.Count; $place++) {
                $array[$place] = ConvertTo-Shape ($wanted.GetElementType()) $items[$place]
            }
            $shape.$name = $array
        }
        elseif ($wanted -eq [Nullable[datetime]]) {
            $moment = $given.Value
            if ($moment -isnot [datetime]) {
                $culture = [System.Globalization.CultureInfo]::InvariantCulture
                $moment = [datetime]::Parse($moment, $culture, [System.Globalization.DateTimeStyles]::RoundtripKind)
            }
            $shape.$name = $moment.ToUniversalTime()
        }
        elseif ($wanted.Namespace -like 'Lithnet.*' -and -not $wanted.IsEnum) { $shape.$name = ConvertTo-Shape $wanted $given.Value }
        else { $shape.$name = $given.Value }
    }
    return $shape
}

function Get-Source($sources, [string] $name) {
    # On another machine there is no file beside this one: it comes with the request.
    if ($null -ne $sources) { return (Get-Text $sources.$name) }
    return [System.IO.File]::ReadAllText((Join-Path $PSScriptRoot $name))
}

function Add-Types([string] $text, $sources) {
    # Only where the script may use them: compiling takes a moment.
    if ($text -notmatch 'Lithnet|ExecutionComplete') { return }
    if ($null -eq ('Lithnet.Miiserver.Client.RunDetails' -as [type])) {
        Add-Type -TypeDefinition (Get-Source $sources 'types.cs')
    }
    if ($text -notmatch 'PersistentSearch') { return }
    Add-Type -AssemblyName System.DirectoryServices.Protocols
    if ($null -eq ('Lithnet.Miiserver.AutoSync.PersistentSearchControl' -as [type])) {
        $source = Get-Source $sources 'persistent_search.cs'
        $assembly = [System.DirectoryServices.Protocols.DirectoryControl].Assembly.Location
        Add-Type -TypeDefinition $source -ReferencedAssemblies $assembly
    }
}

function Get-Fault($failure, [string] $path) {
    # Method calls wrap what the script threw; the record with the place is further inside.
    $record = $null
    $unexpected = $null
    for ($each = $failure; $null -ne $each; $each = $each.InnerException) {
        if ($each.GetType().FullName -eq 'Lithnet.Miiserver.AutoSync.UnexpectedChangeException') { $unexpected = $each }
        if ($each -is [System.Management.Automation.IContainsErrorRecord]) { $record = $each.ErrorRecord }
    }
    if ($null -ne $record -and $null -eq $unexpected) {
        for ($each = $record.Exception; $null -ne $each; $each = $each.InnerException) {
            if ($each.GetType().FullName -eq 'Lithnet.Miiserver.AutoSync.UnexpectedChangeException') { $unexpected = $each }
        }
    }
    $last = $failure
    while ($last -is [System.Management.Automation.MethodInvocationException] -and $null -ne $last.InnerException) { $last = $last.InnerException }
    $fault = @{ message = ConvertTo-PlainText ([string]$last.Message); type = $last.GetType().FullName }
    if ($null -ne $record -and $null -ne $record.InvocationInfo -and $record.InvocationInfo.ScriptLineNumber -gt 0) {
        $file = $record.InvocationInfo.ScriptName
        if (-not $file) { $file = $path }
        $fault.file = ConvertTo-PlainText ([System.IO.Path]::GetFileName($file))
        $fault.line = $record.InvocationInfo.ScriptLineNumber
    }
    if ($null -ne $unexpected) {
        $fault.message = ConvertTo-PlainText $unexpected.Message
        $fault.stops_all = [bool]$unexpected.ShouldTerminateService
    }
    return $fault
}

function Start-Work([int] $id, [scriptblock] $prepare, [scriptblock] $finish) {
    $pipeline = [powershell]::Create()
    $pipeline.Runspace = $script:runspace
    & $prepare $pipeline
    $nothing = [System.Management.Automation.PSDataCollection[psobject]]::new()
    $nothing.Complete()
    $outputs = [System.Management.Automation.PSDataCollection[psobject]]::new()
    $handle = $pipeline.BeginInvoke($nothing, $outputs)
    $script:work = @{ id = $id; pipeline = $pipeline; outputs = $outputs; handle = $handle; finish = $finish }
}

function Send-News {
    # What the call has given and said since the last look.
    foreach ($value in $script:work.outputs.ReadAll()) {
        if ($null -eq $value) { continue }
        try { $plain = ConvertTo-Plain $value 0 }
        catch { $plain = ConvertTo-PlainText ($value.GetType().FullName) }
        Send-Line @{ id = $script:work.id; value = $plain }
    }
    $streams = $script:work.pipeline.Streams
    foreach ($each in $streams.Warning.ReadAll()) { Send-Line @{ stream = 'warning'; data = ConvertTo-PlainText ([string]$each.Message) } }
    foreach ($each in $streams.Information.ReadAll()) { Send-Line @{ stream = 'information'; data = ConvertTo-PlainText ([string]$each.MessageData) } }
    foreach ($each in $streams.Verbose.ReadAll()) { Send-Line @{ stream = 'verbose'; data = ConvertTo-PlainText ([string]$each.Message) } }
    foreach ($each in $streams.Error.ReadAll()) {
        $place = ''
        if ($null -ne $each.InvocationInfo -and $each.InvocationInfo.ScriptLineNumber -gt 0) { $place = "line $($each.InvocationInfo.ScriptLineNumber): " }
        Send-Line @{ stream = 'error'; data = ConvertTo-PlainText ($place + [string]$each.Exception.Message) }
    }
}

function Complete-Work {
    $done = $script:work
    $fault = $null
    try { [void]$done.pipeline.EndInvoke($done.handle) }
    catch { $fault = Get-Fault $_.Exception $script:path }
    Send-News
    if ($null -eq $fault -and $done.pipeline.InvocationStateInfo.State -eq 'Stopped') { $fault = @{ message = 'was stopped' } }
    $done.pipeline.Dispose()
    $script:work = $null
    if ($null -ne $fault) { Send-Line @{ id = $done.id; ok = $false; error = $fault } }
    else { Send-Line (@{ id = $done.id; ok = $true } + (& $done.finish)) }
}

function Step-Work {
    # Tells what is new, and the end.
    Send-News
    if ($script:work.handle.IsCompleted) { Complete-Work }
}

function Get-Functions($tree, $wanted) {
    # From the text first; what the script brought in from elsewhere is asked for by name.
    $found = [System.Collections.ArrayList]::new()
    $isFunction = { param($node) $node -is [System.Management.Automation.Language.FunctionDefinitionAst] }
    foreach ($definition in $tree.FindAll($isFunction, $false)) {
        $parameters = @($definition.Parameters)
        if ($null -ne $definition.Body.ParamBlock) { $parameters = @($definition.Body.ParamBlock.Parameters) }
        $names = @(foreach ($each in $parameters) { if ($null -ne $each) { ConvertTo-PlainText $each.Name.VariablePath.UserPath } })
        [void]$found.Add(@{ name = ConvertTo-PlainText ($definition.Name -replace '^(global|script):', ''); parameters = $names })
    }
    foreach ($name in $wanted) {
        if (@($found | Where-Object { $_.name -eq $name }).Count -gt 0) { continue }
        $command = $script:runspace.SessionStateProxy.InvokeCommand.GetCommand($name, 'Function')
        if ($null -ne $command) {
            $names = @(foreach ($each in $command.Parameters.Keys) { ConvertTo-PlainText $each })
            [void]$found.Add(@{ name = ConvertTo-PlainText $command.Name; parameters = $names })
        }
    }
    return , $found.ToArray()
}

function Start-Load($request) {
    $script:path = $request.path
    # As the predecessor read it: UTF-8 where no mark says otherwise. On another machine the text comes with the request.
    if ($null -ne $request.text) { $text = Get-Text $request.text }
    else { $text = [System.IO.File]::ReadAllText($script:path) }
    $tokens = $null
    $mistakes = $null
    $script:tree = [System.Management.Automation.Language.Parser]::ParseInput($text, $script:path, [ref]$tokens, [ref]$mistakes)
    if ($mistakes.Count -gt 0) {
        $first = $mistakes[0]
        $fault = @{
            message = ConvertTo-PlainText ('syntax error: ' + $first.Message)
            file = ConvertTo-PlainText ([System.IO.Path]::GetFileName($script:path))
            line = $first.Extent.StartLineNumber
        }
        Send-Line @{ id = $request.id; ok = $false; error = $fault }
        return
    }
    Add-Types $text $request.sources
    $script:wanted = @($request.wanted)
    if ($null -ne $script:runspace) { $script:runspace.Dispose() }
    $script:runspace = [runspacefactory]::CreateRunspace()
    $script:runspace.Open()
    # Run in the runspace's own scope, so that its functions and variables stay; with the file's name in errors.
    $loader = '. ([System.Management.Automation.Language.Parser]::ParseInput($args[0], $args[1], [ref]$null, [ref]$null).GetScriptBlock())'
    $prepare = { param($pipeline) [void]$pipeline.AddScript($loader, $false).AddArgument($text).AddArgument($script:path) }
    Start-Work $request.id $prepare { @{ functions = (Get-Functions $script:tree $script:wanted) } }
}

function Start-Call($request) {
    $prepare = {
        param($pipeline)
        [void]$pipeline.AddCommand($request.function)
        foreach ($each in @($request.arguments)) {
            if ($null -eq $each) { continue }
            if ($each -is [string]) { [void]$pipeline.AddArgument((Get-Text $each)) }
            else { [void]$pipeline.AddArgument((ConvertTo-Shape ([type]$each.type) $each.value)) }
        }
        foreach ($each in $request.named.PSObject.Properties) { [void]$pipeline.AddParameter($each.Name, (Get-Text $each.Value)) }
        if ($request.credentials -and $null -ne $script:credential) {
            [void]$pipeline.AddParameter($request.credentials, $script:credential)
        }
    }
    Start-Work $request.id $prepare { @{ } }
}

function Set-Credential($request) {
    # Letter by letter: a parameter that holds the password would be written to the event log where modules are logged.
    $password = [System.Security.SecureString]::new()
    foreach ($letter in (Get-Text $request.password).ToCharArray()) { $password.AppendChar($letter) }
    $password.MakeReadOnly()
    $script:credential = [pscredential]::new((Get-Text $request.username), $password)
}

function Receive-Request([string] $line) {
    $request = ConvertFrom-Json $line
    try {
        switch ($request.op) {
            'ping' { Send-Line @{ pong = $true } }
            'credential' { Set-Credential $request }
            'load' { Start-Load $request }
            'call' { Start-Call $request }
            'stop' { if ($null -ne $script:work) { [void]$script:work.pipeline.BeginStop($null, $null) } }
        }
    }
    catch { Send-Line @{ id = [int]$request.id; ok = $false; error = (Get-Fault $_.Exception $script:path) } }
}
