# autosync: mim service
#
# What AutoSync runs on the server of a MIM Service through PowerShell remoting, and all that it runs there. Loaded once into a
# session; then the function is called by name, with parameters:
#
#   Find-CompletedRequest -Filter <XPath> -Service <address> [-Credential <...>]
#       says the time (UTC) at which it asked, then the ids of the requests that the filter finds, some hundred at most
#
# Windows PowerShell 5.1 alone: the FIMAutomation snap-in, which comes with the MIM Service, exists for no other. To allow
# nothing else on the server, put the functions, signed, into a session configuration (JEA) and give AutoSync its name.

function New-Failure {
    param([string] $Id, [string] $Message)
    $exception = New-Object -TypeName System.InvalidOperationException -ArgumentList $Message
    New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $Id, 'NotSpecified', $null
}

function Find-CompletedRequest {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)] [string] $Filter,
        [Parameter(Mandatory = $true)] [string] $Service,
        [pscredential] $Credential
    )
    if (-not (Get-Command -Name 'Export-FIMConfig' -ErrorAction SilentlyContinue)) {
        try {
            Add-PSSnapin -Name 'FIMAutomation' -ErrorAction Stop
        }
        catch {
            $PSCmdlet.ThrowTerminatingError((New-Failure -Id 'NoSnapIn' -Message $_.Exception.Message))
        }
    }
    $signIn = @{}
    if ($Credential) {
        $signIn.Credential = $Credential
    }
    # Before asking: what is completed meanwhile is found the next time.
    $asked = [datetime]::UtcNow.ToString('o')
    try {
        # The requests alone, not what they refer to. Their values are not read: dates come as text of the server's culture.
        $found = @(Export-FIMConfig -Uri $Service -OnlyBaseResources -CustomConfig $Filter @signIn -ErrorAction Stop |
                Select-Object -First 200)
    }
    catch {
        $PSCmdlet.ThrowTerminatingError((New-Failure -Id 'NotAnswered' -Message $_.Exception.Message))
    }
    $asked
    foreach ($each in $found) {
        [string] $each.ResourceManagementObject.ObjectIdentifier
    }
}
