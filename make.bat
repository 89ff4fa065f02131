@echo off
rem The words of the Makefile, for Windows: make demo, make test, make check ...
setlocal
cd /d "%~dp0"
if not defined PYTHON (
    where /q py && (set "PYTHON=py -3") || (set "PYTHON=python")
)
set "BIN=.venv\Scripts"
set "WORD=%~1"
set "ARGS="
:collect
shift
if not "%~1"=="" (
    set "ARGS=%ARGS% %1"
    goto collect
)

if "%WORD%"=="demo"     goto demo
if "%WORD%"=="demo-mim" goto demo-mim
if "%WORD%"=="demo-directory" goto demo-directory
if "%WORD%"=="test"     goto test
if "%WORD%"=="test-all" goto test-all
if "%WORD%"=="coverage" goto coverage
if "%WORD%"=="check"    goto check
if "%WORD%"=="fix"      goto fix
if "%WORD%"=="bench"    goto bench
if "%WORD%"=="docs"     goto docs
if "%WORD%"=="lock"     goto lock
if "%WORD%"=="clean"    goto clean
echo   make demo       run AutoSync on sample data
echo   make demo-mim   run AutoSync on a stand-in for a MIM server
echo   make demo-directory  the same, with a real OpenLDAP as directory
echo   make test       the everyday tests, in parallel
echo   make test-all   every test, also the slow ones
echo   make coverage   the everyday tests, with branch coverage
echo   make check      format, lint, types, layers
echo   make fix        format, and repair what the linter can repair
echo   make bench      the benchmarks
echo   make docs       the documentation, in build\docs\index.html
echo   make lock       pin the requirements anew
echo   make clean      remove everything that can be made again
exit /b 0

:demo
%PYTHON% scripts\bootstrap.py run || exit /b 1
%BIN%\autosync demo %ARGS%
exit /b %ERRORLEVEL%

:demo-mim
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\autosync demo mim %ARGS%
exit /b %ERRORLEVEL%

:demo-directory
%PYTHON% scripts\bootstrap.py run || exit /b 1
%BIN%\python scripts\demo_directory.py %ARGS%
exit /b %ERRORLEVEL%

:test
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\pytest -q -n 2 --dist loadfile -m "not slow" %ARGS%
exit /b %ERRORLEVEL%

:test-all
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\pytest -q -n 2 --dist loadfile %ARGS%
exit /b %ERRORLEVEL%

:coverage
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\pytest -q -n 2 --dist loadfile -m "not slow" --cov --cov-report=term %ARGS%
exit /b %ERRORLEVEL%

:check
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\python scripts\check %ARGS%
exit /b %ERRORLEVEL%

:fix
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\ruff check --fix-only --quiet .
%BIN%\ruff format .
exit /b %ERRORLEVEL%

:bench
%PYTHON% scripts\bootstrap.py dev || exit /b 1
%BIN%\python -m benchmarks %ARGS%
exit /b %ERRORLEVEL%

:docs
%PYTHON% scripts\bootstrap.py docs || exit /b 1
%BIN%\python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build\docs %ARGS%
exit /b %ERRORLEVEL%

:lock
%PYTHON% scripts\lock.py %ARGS%
exit /b %ERRORLEVEL%

:clean
for %%d in (.venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist) do if exist %%d rmdir /s /q %%d
for /d /r %%d in (__pycache__) do if exist "%%d" rmdir /s /q "%%d"
exit /b 0
