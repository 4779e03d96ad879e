@echo off
rem Builds build\msvc\fairlead.exe: scripts\build.cmd [NMAKE ARGUMENT ...]
rem
rem Wants a Developer Command Prompt for x64. Gets the libraries first, see deps.cmd.
setlocal

for %%P in (cl.exe) do if "%%~$PATH:P"=="" goto no_compiler
for %%P in (nmake.exe) do if "%%~$PATH:P"=="" goto no_compiler
if not defined VSCMD_ARG_TGT_ARCH goto right_compiler
if /i "%VSCMD_ARG_TGT_ARCH%"=="x64" goto right_compiler
echo build.cmd: this prompt builds for %VSCMD_ARG_TGT_ARCH%, and Fairlead is made for x64.>&2
echo   Open "x64 Native Tools Command Prompt for VS" from the Start menu and try again there.>&2
exit /b 1

:no_compiler
echo build.cmd: cl.exe or nmake.exe was not found. They come with Visual Studio, or its Build Tools,>&2
echo   as the workload "Desktop development with C++". They are in PATH only in its own prompt:>&2
echo   open "x64 Native Tools Command Prompt for VS" from the Start menu and try again there.>&2
exit /b 1

:right_compiler
call "%~dp0deps.cmd" %FAIRLEAD_DEPS%
if not "%ERRORLEVEL%"=="0" exit /b %ERRORLEVEL%
pushd "%~dp0.."
nmake /nologo /f Makefile.msvc %*
set "CODE=%ERRORLEVEL%"
popd
if not "%CODE%"=="0" echo build.cmd: nmake ended with %CODE%; the first message above it is the cause.>&2
exit /b %CODE%
