@echo off
rem Gets the libraries with vcpkg, as vcpkg.json names them, into build\vcpkg.
rem
rem   scripts\deps.cmd          what fairlead.exe needs
rem   scripts\deps.cmd tests    and what the C tests need
setlocal
pushd "%~dp0.."

set "VCPKG="
if defined VCPKG_ROOT set "VCPKG=%VCPKG_ROOT%\vcpkg.exe"
if defined VCPKG if exist "%VCPKG%" goto found
set "VCPKG="
if defined VCPKG_INSTALLATION_ROOT set "VCPKG=%VCPKG_INSTALLATION_ROOT%\vcpkg.exe"
if defined VCPKG if exist "%VCPKG%" goto found
for %%P in (vcpkg.exe) do set "VCPKG=%%~$PATH:P"
if defined VCPKG goto found

echo deps.cmd: vcpkg was not found. It gets and builds the libraries that Fairlead uses.>&2
echo   Visual Studio 2022 has it as the component "vcpkg package manager"; or get it yourself:>&2
echo     git clone https://github.com/microsoft/vcpkg C:\vcpkg>&2
echo     C:\vcpkg\bootstrap-vcpkg.bat>&2
echo     set VCPKG_ROOT=C:\vcpkg>&2
echo   It was looked for in VCPKG_ROOT, in VCPKG_INSTALLATION_ROOT and in PATH.>&2
popd
exit /b 1

:found
rem What was got for the tests once is kept.
set "FEATURE="
if "%~1"=="tests" set "FEATURE=--x-feature=tests"
if exist build\vcpkg\x64-windows-static\lib\cmocka.lib set "FEATURE=--x-feature=tests"
"%VCPKG%" install --triplet=x64-windows-static --x-install-root=build\vcpkg %FEATURE%
set "CODE=%ERRORLEVEL%"
popd
if not "%CODE%"=="0" echo deps.cmd: vcpkg ended with %CODE%. If it does not know the baseline, it is too old: git pull in its folder.>&2
exit /b %CODE%
