@echo off
rem Builds fairlead.exe and runs it.
rem
rem   scripts\run.cmd                  serves server.ini until Ctrl+C
rem   scripts\run.cmd ARGUMENT ...     runs fairlead with these arguments, in the current folder
rem
rem What fairlead prints to standard output is all that appears there; everything else goes to standard error.
setlocal
call "%~dp0build.cmd" 1>&2
if not "%ERRORLEVEL%"=="0" exit /b %ERRORLEVEL%
if not "%~1"=="" goto arguments
pushd "%~dp0.."
build\msvc\fairlead.exe run -c server.ini
set "CODE=%ERRORLEVEL%"
popd
exit /b %CODE%

:arguments
"%~dp0..\build\msvc\fairlead.exe" %*
exit /b %ERRORLEVEL%
