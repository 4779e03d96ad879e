/* Crashes, of a child: the dump, the line, the exit code. */
#include "tests/host/host_suite.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/crash.h"
#include "host/log_sink.h"

#include <windows.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the child --- */

static DWORD WINAPI write_to_nowhere(void *context)
{
    *(volatile int *)context = 1;
    return 0;
}

static volatile int depth_reached;

/* The result keeps the compiler from making a loop of it. */
static int use_all_stack(int depth)
{
    volatile char page[4096];

    page[0] = (char)depth;
    depth_reached = depth;
    return depth < 0 ? 0 : use_all_stack(depth + 1) + page[0];
}

int suite_crash(const char *kind, const char *folder)
{
    struct log_sink_options log = {0};
    char file[MAX_PATH];
    uint32_t os_code;

    snprintf(file, sizeof file, "%s\\fairlead.log", folder);
    log.file = file;
    crash_set_folder(file);
    if (!log_sink_start(&log, &os_code))
        return 100;
    log_info("before the crash");
    if (strcmp(kind, "access") == 0)
        write_to_nowhere(NULL);
    else if (strcmp(kind, "thread") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, write_to_nowhere, NULL, 0, NULL), INFINITE);
    else if (strcmp(kind, "check") == 0)
        CHECK(file[0] == '\0');
    else if (strcmp(kind, "abort") == 0)
        abort();
    else if (strcmp(kind, "stack") == 0)
        return use_all_stack(1);
    return 101;
}

/* --- its parent --- */

struct child {
    char folder[MAX_PATH];
    DWORD exit_code;
    char *log;
    unsigned dumps;
    bool is_dump; /* every one */
};

static void look_at_dumps(struct child *child)
{
    char path[2 * MAX_PATH];
    WIN32_FIND_DATAA found;

    snprintf(path, sizeof path, "%s\\fairlead-*.dmp", child->folder);
    HANDLE search = FindFirstFileA(path, &found);
    child->dumps = 0;
    child->is_dump = true;
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        snprintf(path, sizeof path, "%s\\%s", child->folder, found.cFileName);
        char *text = suite_read(path);
        child->is_dump = child->is_dump && memcmp(text, "MDMP", 4) == 0;
        memory_free(text);
        child->dumps++;
    } while (FindNextFileA(search, &found));
    FindClose(search);
}

static void run_child(struct child *child, const char *kind)
{
    char command[3 * MAX_PATH];
    char log[MAX_PATH + 32];
    STARTUPINFOA startup = {0};
    PROCESS_INFORMATION process;

    snprintf(command, sizeof command, "\"%s\" crash %s \"%s\"", suite_program, kind, child->folder);
    startup.cb = sizeof startup;
    assert_true(CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process));
    assert_int_equal(WaitForSingleObject(process.hProcess, CRASH_DUMP_MS + CRASH_TELL_MS + 60 * 1000),
                     WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(process.hProcess, &child->exit_code));
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    snprintf(log, sizeof log, "%s\\fairlead.log", child->folder);
    child->log = suite_read(log);
    look_at_dumps(child);
}

static void expect_crash(const char *kind, DWORD exit_code, const char *words)
{
    struct child child;

    snprintf(child.folder, sizeof child.folder, "%s", suite_folder(kind));
    run_child(&child, kind);
    assert_int_equal(child.exit_code, exit_code);
    assert_int_equal(child.dumps, 1);
    assert_true(child.is_dump);
    assert_non_null(strstr(child.log, "before the crash"));
    assert_non_null(strstr(child.log, "crashed: "));
    assert_non_null(strstr(child.log, words));
    assert_non_null(strstr(child.log, "the dump is "));
    memory_free(child.log);
}

static void test_exception_leaves_a_dump_and_its_code(void **state)
{
    (void)state;
    expect_crash("access", (DWORD)EXCEPTION_ACCESS_VIOLATION, "exception 0xC0000005");
}

static void test_exception_of_any_thread_does(void **state)
{
    (void)state;
    expect_crash("thread", (DWORD)EXCEPTION_ACCESS_VIOLATION, "exception 0xC0000005");
}

static void test_stack_overflow_does(void **state)
{
    (void)state;
    expect_crash("stack", (DWORD)EXCEPTION_STACK_OVERFLOW, "exception 0xC00000FD");
}

static void test_failed_check_does_and_says_which(void **state)
{
    (void)state;
    expect_crash("check", 0xE000464CU, "file[0] == '\\0' does not hold");
}

static void test_abort_does(void **state)
{
    (void)state;
    expect_crash("abort", 0xE000464CU, "abort was called");
}

static void test_crashes_in_a_loop_leave_few_dumps(void **state)
{
    struct child child;
    char path[MAX_PATH + 64];

    (void)state;
    snprintf(child.folder, sizeof child.folder, "%s", suite_folder("access"));
    for (int i = 0; i < 2 * CRASH_DUMPS_MAX; i++) {
        snprintf(path, sizeof path, "%s\\fairlead-%d-20260101T000000Z.dmp", child.folder, i);
        suite_write(path, "MDMP of another crash");
    }
    suite_write(path, "MDMP of the last one");
    run_child(&child, "access");
    memory_free(child.log);
    assert_int_equal(child.dumps, CRASH_DUMPS_MAX);
}

int suite_run_crash(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exception_leaves_a_dump_and_its_code),
        cmocka_unit_test(test_exception_of_any_thread_does),
        cmocka_unit_test(test_stack_overflow_does),
        cmocka_unit_test(test_failed_check_does_and_says_which),
        cmocka_unit_test(test_abort_does),
        cmocka_unit_test(test_crashes_in_a_loop_leave_few_dumps),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
