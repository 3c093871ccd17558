<#
.SYNOPSIS
Builds and packs HNET SMPP Serv for Windows: the programs, their archives and the installer.

.DESCRIPTION
Runs the tests and fills dist\. It needs Go, and WiX 3.14 for the installer. It works from any folder, in Windows
PowerShell 5.1 and in PowerShell 7. All it does is done by pkg/release, on every system: go run ./pkg/release --help

.PARAMETER Version
The version, such as 1.4.0. By default that of the newest git tag v*, else 1.0.0.

.PARAMETER SkipTests
Does not run the tests.

.PARAMETER NoMsi
Makes no installer, so that WiX is not needed.

.PARAMETER CertificateThumbprint
Signs the programs and the installer with this certificate of the certificate store. It needs signtool, from the Windows SDK.

.PARAMETER Output
The folder to fill. It is emptied first. By default dist, beside this script.

.EXAMPLE
.\build.ps1 -Version 1.4.0 -SkipTests
#>
[CmdletBinding()]
param(
    [string] $Version,
    [switch] $SkipTests,
    [switch] $NoMsi,
    [string] $CertificateThumbprint,
    [string] $Output
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

if (-not (Get-Command go -CommandType Application -ErrorAction SilentlyContinue)) {
    throw 'Go is missing. Install it (winget install GoLang.Go), open a new console, and run build.ps1 again.'
}

# A path is meant from where the caller is, not from the folder of this script. A \ at its end would escape a quote.
if ($Output) {
    $folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Output).TrimEnd('\')
} else {
    $folder = Join-Path $PSScriptRoot 'dist'
}

$arguments = @('run', './pkg/release', '--out', $folder)
if ($Version) { $arguments += @('--version', $Version) }
if ($SkipTests) { $arguments += '--skip-tests' }
if ($NoMsi) { $arguments += '--no-msi' }
if ($CertificateThumbprint) { $arguments += @('--sign-thumbprint', $CertificateThumbprint) }

# Where the caller redirects it, Windows PowerShell takes a program's every line on stderr for an error: the exit code tells.
function Invoke-Go([string[]] $words) {
    $ErrorActionPreference = 'Continue'
    & go @words
    if ($LASTEXITCODE -ne 0) {
        throw "go $($words -join ' ') ended with exit code ${LASTEXITCODE}; nothing is released."
    }
}

Push-Location -LiteralPath $PSScriptRoot
try {
    $needed = [version] (Get-Content go.mod | Select-String '^go (\d+\.\d+)').Matches[0].Groups[1].Value
    $found = [version] [regex]::Match((Invoke-Go 'env', 'GOVERSION'), '\d+\.\d+').Value
    if ($found -lt $needed) {
        throw "Go $found is too old. Install Go $needed or later (winget upgrade GoLang.Go), and run build.ps1 again."
    }
    Invoke-Go $arguments
} finally {
    Pop-Location
}
