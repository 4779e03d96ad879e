/* The runner itself, in this process: one per process, so there is one test. */
#include "tests/host/host_suite.h"

#include "base/memory.h"
#include "config/config.h"
#include "host/runner.h"

#include <windows.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A configuration on a share that does not answer: a pipe that can be opened and that nobody writes to. */
#define SILENT_FILE "\\\\.\\pipe\\fairlead-host-suite"

static volatile LONG states; /* a bit for each that was reported */

static void changed_state(void *context, enum daemon_state state)
{
    (void)context;
    InterlockedOr(&states, 1 << state);
}

static bool is_serving(void *context)
{
    (void)context;
    return (states & 1 << DAEMON_SERVING) != 0;
}

/* Somebody has opened the pipe, so the reload is reading it. */
static bool is_read(void *pipe)
{
    return ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED;
}

static void test_stop_does_not_wait_for_a_configuration_that_never_comes(void **state)
{
    char log[MAX_PATH + 32];
    char text[2 * MAX_PATH];
    char why[1024];
    struct runner_options options = {0};
    struct config_errors errors = {0};

    (void)state;
    snprintf(log, sizeof log, "%s\\fairlead.log", suite_folder("runner"));
    snprintf(text, sizeof text,
             "[server]\nlog_file=%s\n[stats]\nlisten=off\n[listener e]\nmode=echo\nlisten=127.0.0.1:0\n",
             log);
    HANDLE pipe =
        CreateNamedPipeA(SILENT_FILE, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_NOWAIT, 1, 100, 100, 0, NULL);
    assert_true(pipe != INVALID_HANDLE_VALUE);
    options.config = config_parse(SILENT_FILE, text, strlen(text), &errors);
    assert_non_null(options.config);
    options.changed = changed_state;

    assert_false(runner_reload(NULL)); /* nothing is running yet */
    assert_true(runner_start(&options, why, sizeof why));
    assert_true(suite_wait_until(is_serving, NULL));
    /* The start has looked who may write the file, and with that used the pipe's one connection. */
    DisconnectNamedPipe(pipe);
    ConnectNamedPipe(pipe, NULL);
    assert_true(runner_reload(NULL));
    assert_true(suite_wait_until(is_read, pipe));
    runner_stop("the test is over");
    assert_int_equal(runner_finish(), 0);
    assert_false(runner_reload(NULL));

    char *lines = suite_read(log);
    assert_non_null(strstr(lines, "the test is over"));
    assert_non_null(strstr(lines, "info  stopped"));
    memory_free(lines);
    config_errors_free(&errors);
    CloseHandle(pipe);
}

int suite_run_runner(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_does_not_wait_for_a_configuration_that_never_comes),
    };
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
