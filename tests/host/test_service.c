/* The service, started and asked by the real service manager. This process keeps Wine's alive meanwhile. */
#include "tests/host/host_suite.h"

#include "base/memory.h"
#include "host/service_paths.h"

#include <winsock2.h>
#include <windows.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "fairlead-host-test"

static SC_HANDLE manager;
static SC_HANDLE service;
static char ini[MAX_PATH + 32];
static char log_file[MAX_PATH + 32];

/* --- driving it --- */

static SERVICE_STATUS_PROCESS query(void)
{
    SERVICE_STATUS_PROCESS status;
    DWORD needed = 0;

    assert_true(
        QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed));
    return status;
}

static bool is_in_state(void *context)
{
    return query().dwCurrentState == *(DWORD *)context;
}

static void require_state(DWORD state)
{
    if (!suite_wait_until(is_in_state, &state))
        fail_msg("the service is in state %lu instead of %lu", query().dwCurrentState, state);
}

static DWORD control(DWORD code)
{
    SERVICE_STATUS status;

    return ControlService(service, code, &status) ? ERROR_SUCCESS : GetLastError();
}

static void write_ini(const char *server, const char *listener)
{
    char text[1000];

    snprintf(text, sizeof text,
             "[server]\nlog_file=%s\n%s\n[stats]\nlisten=off\n[listener e]\nmode=echo\n%s\n", log_file,
             server, listener);
    suite_write(ini, text);
}

static void start(void)
{
    assert_true(StartServiceW(service, 0, NULL));
}

static int setup(void **state)
{
    char command[3 * MAX_PATH];
    const char *folder = suite_folder("service");

    (void)state;
    snprintf(ini, sizeof ini, "%s\\server.ini", folder);
    snprintf(log_file, sizeof log_file, "%s\\fairlead.log", folder);
    DeleteFileA(log_file);
    snprintf(command, sizeof command, "\"%s\" service --name " NAME " -c \"%s\"", suite_program, ini);
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    assert_non_null(manager);
    service =
        CreateServiceA(manager, NAME, NAME, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                       SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);
    assert_non_null(service);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)control(SERVICE_CONTROL_STOP);
    require_state(SERVICE_STOPPED);
    assert_true(DeleteService(service));
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return 0;
}

static char *read_default_log(void)
{
    char path[MAX_PATH + 32];
    char *folder = service_log_folder(NAME);

    snprintf(path, sizeof path, "%s\\" SERVICE_LOG_FILE_NAME, folder);
    memory_free(folder);
    return suite_read(path);
}

static void expect_logged(const char *words)
{
    char *text = suite_read(log_file);

    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in the log:\n%s", words, text);
    memory_free(text);
}

/* A session, on the port that the log tells. */
static SOCKET connect_client(void)
{
    const char words[] = "listening on 127.0.0.1:";
    struct sockaddr_in address = {0};
    WSADATA data;
    char byte = 'x';
    char *text = suite_read(log_file);
    char *found = strstr(text, words);

    assert_non_null(found);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)strtoul(found + sizeof words - 1, NULL, 10));
    memory_free(text);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(client, &byte, 1, 0), 1);
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    return client;
}

/* Shutdowns are not tried: only the system may send those controls, and Wine does not. */

static void test_service_runs_and_stops(void **state)
{
    (void)state;
    write_ini("", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_RUNNING);
    SERVICE_STATUS_PROCESS status = query();
    assert_int_equal(status.dwServiceType, SERVICE_WIN32_OWN_PROCESS);
    assert_int_equal(status.dwControlsAccepted,
                     SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE);
    assert_int_equal(status.dwCheckPoint, 0);
    assert_int_equal(status.dwWaitHint, 0);
    assert_int_equal(control(SERVICE_CONTROL_INTERROGATE), ERROR_SUCCESS);
    assert_int_equal(control(SERVICE_CONTROL_PARAMCHANGE), ERROR_SUCCESS);
    assert_int_equal(query().dwCurrentState, SERVICE_RUNNING);

    assert_int_equal(control(SERVICE_CONTROL_STOP), ERROR_SUCCESS);
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, NO_ERROR);
    expect_logged("the service is being stopped");
    expect_logged("info  stopped");
}

static bool has_reported(void *context)
{
    SERVICE_STATUS_PROCESS status = query();

    return status.dwCurrentState != SERVICE_STOP_PENDING || status.dwCheckPoint >= *(DWORD *)context;
}

static void test_stop_reports_progress_while_it_drains(void **state)
{
    DWORD checkpoint = 3;

    (void)state;
    write_ini("drain_timeout=10m", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_RUNNING);
    SOCKET client = connect_client();
    assert_int_equal(control(SERVICE_CONTROL_STOP), ERROR_SUCCESS);
    assert_int_equal(query().dwCurrentState, SERVICE_STOP_PENDING);
    assert_true(suite_wait_until(has_reported, &checkpoint));
    SERVICE_STATUS_PROCESS status = query();
    assert_int_equal(status.dwCurrentState, SERVICE_STOP_PENDING);
    assert_int_equal(status.dwControlsAccepted, 0);
    assert_in_range(status.dwWaitHint, 5 * 60 * 1000, 11 * 60 * 1000);

    closesocket(client);
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, NO_ERROR);
}

static void test_sessions_that_are_cut_are_logged_and_no_failure(void **state)
{
    (void)state;
    write_ini("drain_timeout=1s", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_RUNNING);
    SOCKET client = connect_client();
    assert_int_equal(control(SERVICE_CONTROL_STOP), ERROR_SUCCESS);
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, NO_ERROR);
    expect_logged("1 sessions were cut");
    closesocket(client);
}

static bool is_logged(void *context)
{
    char *text = suite_read(log_file);
    bool found = strstr(text, context) != NULL;

    memory_free(text);
    return found;
}

static void require_logged(char *words)
{
    if (!suite_wait_until(is_logged, words))
        expect_logged(words);
}

static void test_paramchange_reloads(void **state)
{
    char second[] = "listener second: listening";
    char refused[] = "server.ini:3: ";

    (void)state;
    write_ini("", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_RUNNING);
    write_ini("", "listen=127.0.0.1:0\n[listener second]\nmode=echo\nlisten=127.0.0.1:0");
    assert_int_equal(control(SERVICE_CONTROL_PARAMCHANGE), ERROR_SUCCESS);
    require_logged(second);
    write_ini("nonsense=1", "listen=127.0.0.1:0");
    assert_int_equal(control(SERVICE_CONTROL_PARAMCHANGE), ERROR_SUCCESS);
    require_logged(refused);
    assert_int_equal(query().dwCurrentState, SERVICE_RUNNING);
    assert_int_equal(control(SERVICE_CONTROL_STOP), ERROR_SUCCESS);
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, NO_ERROR);
}

static void test_wrong_configuration_is_a_failure_with_every_error(void **state)
{
    char *folder = service_data_folder(NAME);

    (void)state;
    CreateDirectoryA(folder, NULL);
    memory_free(folder);
    write_ini("nonsense=1\nworkers=many", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, ERROR_SERVICE_SPECIFIC_ERROR);
    assert_int_equal(query().dwServiceSpecificExitCode, 2);
    char *text = read_default_log();
    assert_non_null(strstr(text, "server.ini:3: "));
    assert_non_null(strstr(text, "server.ini:4: "));
    assert_non_null(strstr(text, "nothing was started"));
    memory_free(text);
}

static void test_address_in_use_is_a_failure(void **state)
{
    (void)state;
    write_ini("", "listen=127.0.0.1:0\nlisten=203.0.113.1:1"); /* no machine has this address (RFC 5737) */
    start();
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, ERROR_SERVICE_SPECIFIC_ERROR);
    assert_int_equal(query().dwServiceSpecificExitCode, 1);
    expect_logged("203.0.113.1:1");
}

static void test_log_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    snprintf(log_file, sizeof log_file, "C:\\no\\such\\folder\\fairlead.log");
    write_ini("", "listen=127.0.0.1:0");
    start();
    require_state(SERVICE_STOPPED);
    assert_int_equal(query().dwWin32ExitCode, ERROR_SERVICE_SPECIFIC_ERROR);
    assert_int_equal(query().dwServiceSpecificExitCode, 1);
}

int suite_run_service(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        test(test_service_runs_and_stops),
        test(test_stop_reports_progress_while_it_drains),
        test(test_sessions_that_are_cut_are_logged_and_no_failure),
        test(test_paramchange_reloads),
        test(test_wrong_configuration_is_a_failure_with_every_error),
        test(test_address_in_use_is_a_failure),
        test(test_log_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
