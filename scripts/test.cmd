@echo off
rem Builds fairlead.exe and its C tests, and runs the tests that Windows can run.
rem
rem   scripts\test.cmd [PYTEST ARGUMENT ...]
rem
rem   check    the contract of the seam on completion ports, and the unit tests
rem   system   the real fairlead.exe with real clients; wants Python 3.9 or later with pytest and jsonschema
rem
rem The simulator, the fuzzers, the lint and the unit tests under sanitizers run on Linux only (scripts/test.sh).
setlocal
set "FAIRLEAD_DEPS=tests"
echo == check
call "%~dp0build.cmd" all check
set "CHECK=%ERRORLEVEL%"
if not exist "%~dp0..\build\msvc\fairlead.exe" exit /b %CHECK%

echo == system
python -c "import pytest, jsonschema" 2>nul
if "%ERRORLEVEL%"=="0" goto system
echo test.cmd: the system tests were NOT run: there is no Python with pytest and jsonschema.>&2
echo   Get Python from https://www.python.org/ and then: python -m pip install pytest jsonschema>&2
if not "%CHECK%"=="0" exit /b %CHECK%
echo == check passed, system not run
exit /b 0

:system
pushd "%~dp0.."
set "FAIRLEAD_EXE=%CD%\build\msvc\fairlead.exe"
python -B -m pytest -p no:cacheprovider tests\system %*
set "SYSTEM=%ERRORLEVEL%"
popd
if not "%CHECK%"=="0" exit /b %CHECK%
exit /b %SYSTEM%
