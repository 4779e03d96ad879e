/* Events: what is passed to the system, and what Event Viewer will make of it. */
#include "tests/host/host_suite.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/event_log.h"

#include <windows.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Wine's ReportEvent stores nothing, so another one takes its place: calls go through this pointer, which would else come from
 * advapi32's import library. */
static struct {
    unsigned calls;
    WORD type;
    WORD category;
    DWORD event;
    WORD strings;
    size_t length;
    wchar_t text[64];
    wchar_t last;
} seen;

static BOOL WINAPI report_event(HANDLE log, WORD type, WORD category, DWORD event, PSID user, WORD strings,
                                DWORD bytes, LPCWSTR *texts, void *data)
{
    assert_non_null(log);
    assert_null(user);
    assert_null(data);
    assert_int_equal(bytes, 0);
    seen.calls++;
    seen.type = type;
    seen.category = category;
    seen.event = event;
    seen.strings = strings;
    seen.length = wcslen(texts[0]);
    wcsncpy(seen.text, texts[0], 63);
    seen.last = seen.length > 0 ? texts[0][seen.length - 1] : L'\0';
    return TRUE;
}

typedef BOOL WINAPI report_event_function(HANDLE, WORD, WORD, DWORD, PSID, WORD, DWORD, LPCWSTR *, void *);
extern report_event_function *__imp_ReportEventW;
report_event_function *__imp_ReportEventW = report_event;

static const char source[] = "fairlead-host-test";

static int open_log(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    event_log_open(source);
    return 0;
}

static int close_log(void **state)
{
    (void)state;
    event_log_close();
    return 0;
}

static void test_event_has_its_number_its_text_and_the_type_of_its_level(void **state)
{
    static const struct {
        enum log_level level;
        WORD type;
    } cases[] = {{LOG_ERROR, EVENTLOG_ERROR_TYPE},
                 {LOG_WARN, EVENTLOG_WARNING_TYPE},
                 {LOG_INFO, EVENTLOG_INFORMATION_TYPE},
                 {LOG_DEBUG, EVENTLOG_INFORMATION_TYPE}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        event_log_write(EVENT_UPSTREAM_DOWN, cases[i].level, "upstream \xC3\xA4: down");
        assert_int_equal(seen.calls, i + 1);
        assert_int_equal(seen.type, cases[i].type);
        assert_int_equal(seen.category, 0);
        assert_int_equal(seen.event, EVENT_UPSTREAM_DOWN);
        assert_int_equal(seen.strings, 1);
        assert_true(wcscmp(seen.text, L"upstream \u00E4: down") == 0);
    }
}

static void write_long(size_t characters, const char *character)
{
    size_t bytes = strlen(character);
    char *text = memory_allocate(characters * bytes + 2, 1);

    assert_non_null(text);
    text[0] = 'x';
    for (size_t i = 0; i < characters; i++)
        memcpy(&text[1 + i * bytes], character, bytes);
    event_log_write(EVENT_START_FAILED, LOG_ERROR, text);
    memory_free(text);
}

static void test_text_too_long_for_the_system_is_cut(void **state)
{
    (void)state;
    write_long(EVENT_TEXT_CHARS_MAX - 1, "a");
    assert_int_equal(seen.length, EVENT_TEXT_CHARS_MAX);
    write_long(100000, "a");
    assert_int_equal(seen.length, EVENT_TEXT_CHARS_MAX);
    /* Pairs start at odd places here, so one of them would end right behind the limit. */
    assert_int_equal(EVENT_TEXT_CHARS_MAX % 2, 1);
    write_long(100000, "\xF0\x9F\x98\x80");
    assert_int_equal(seen.length, EVENT_TEXT_CHARS_MAX);
    assert_true(seen.last >= 0xDC00 && seen.last <= 0xDFFF);
}

static void test_pair_is_not_cut_in_two(void **state)
{
    char *text = memory_allocate((size_t)100000 * 4 + 1, 1);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < 100000; i++)
        memcpy(&text[i * 4], "\xF0\x9F\x98\x80", 4);
    event_log_write(EVENT_START_FAILED, LOG_ERROR, text);
    assert_int_equal(seen.length, EVENT_TEXT_CHARS_MAX - 1);
    assert_true(seen.last >= 0xDC00 && seen.last <= 0xDFFF);
    memory_free(text);
}

static void test_nothing_is_written_without_a_source(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    event_log_write(EVENT_STARTED, LOG_INFO, "before");
    assert_int_equal(seen.calls, 0);
}

static const enum event events[] = {
    EVENT_STARTED,       EVENT_START_FAILED, EVENT_STOPPING,       EVENT_STOPPED,
    EVENT_STOPPED_CUT,   EVENT_RELOADED,     EVENT_RELOAD_REFUSED, EVENT_LISTENER_FAILED,
    EVENT_UPSTREAM_DOWN, EVENT_UPSTREAM_UP,  EVENT_EXHAUSTED,      EVENT_CRASHED,
};

/* As Event Viewer does it. */
static void test_every_event_has_a_message_in_the_executable(void **state)
{
    const DWORD flags = FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY;
    HMODULE module = LoadLibraryExA(suite_fairlead, NULL, LOAD_LIBRARY_AS_DATAFILE);
    DWORD_PTR arguments[] = {(DWORD_PTR)L"THE TEXT"};
    wchar_t text[2000];

    (void)state;
    assert_non_null(module);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        DWORD length =
            FormatMessageW(flags, module, (DWORD)events[i], 0x409, text, 2000, (va_list *)arguments);
        if (length == 0)
            fail_msg("event %d has no message", (int)events[i]);
        assert_non_null(wcsstr(text, L"THE TEXT"));
        assert_true(length > 40);
    }
    FreeLibrary(module);
}

static DWORD read_value(const char *name, char *text, DWORD bytes)
{
    char key[200];
    DWORD type = 0;

    snprintf(key, sizeof key, "SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\%s", source);
    LSTATUS status = RegGetValueA(HKEY_LOCAL_MACHINE, key, name, RRF_RT_ANY, &type, text, &bytes);
    return status == ERROR_SUCCESS ? type : 0;
}

static void test_source_can_be_registered_and_removed_twice(void **state)
{
    char text[MAX_PATH];
    DWORD types = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(event_log_register(source, "C:\\100% safe\\fairlead.exe"), 0);
        assert_int_equal(read_value("EventMessageFile", text, sizeof text), REG_SZ);
        assert_string_equal(text, "C:\\100% safe\\fairlead.exe");
        assert_int_equal(read_value("TypesSupported", (char *)&types, sizeof types), REG_DWORD);
        assert_int_equal(types, 7);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(event_log_unregister(source), 0);
        assert_int_equal(read_value("EventMessageFile", text, sizeof text), 0);
    }
}

int suite_run_event_log(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event_has_its_number_its_text_and_the_type_of_its_level,
                                        open_log, close_log),
        cmocka_unit_test_setup_teardown(test_text_too_long_for_the_system_is_cut, open_log, close_log),
        cmocka_unit_test_setup_teardown(test_pair_is_not_cut_in_two, open_log, close_log),
        cmocka_unit_test(test_nothing_is_written_without_a_source),
        cmocka_unit_test(test_every_event_has_a_message_in_the_executable),
        cmocka_unit_test(test_source_can_be_registered_and_removed_twice),
    };
    return cmocka_run_group_tests_name("event_log", tests, NULL, NULL);
}
