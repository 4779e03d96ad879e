/* relay/session_log: what a line looks like, that it can be read in one way only, and that nobody waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/session_log.h"

#include <stdio.h>
#include <string.h>

static const uint64_t time_ms = 1795532462345; /* 2026-11-24T15:01:02.345Z */

static struct address address_of(const char *host, uint16_t port)
{
    struct address address = {0};

    assert_true(address_parse_host(host, &address));
    address.port = port;
    return address;
}

static struct session_record proxied(void)
{
    struct session_record record = {0};

    record.listener = "web";
    record.client = address_of("192.0.2.7", 51515);
    record.server = "app1";
    record.server_address = address_of("10.0.0.5", 80);
    record.in_bytes = 123;
    record.out_bytes = 456;
    record.duration_us = 1234567;
    record.reason = "finished";
    return record;
}

static const char *formatted(const struct session_record *record)
{
    static char line[LINE_BYTES + 1];
    size_t length = session_log_format(record, time_ms, line);

    assert_true(length <= LINE_BYTES);
    line[length] = '\0';
    return line;
}

static void test_session_log_line_of_a_proxy(void **state)
{
    struct session_record record = proxied();

    (void)state;
    assert_string_equal(formatted(&record),
                        "2026-11-24T15:01:02.345Z listener=web client=192.0.2.7:51515 server=app1 "
                        "server_address=10.0.0.5:80 in=123 out=456 duration=1.234 reason=finished\n");
}

static void test_session_log_line_of_an_echo_has_no_server(void **state)
{
    struct session_record record = proxied();

    (void)state;
    record.server = NULL;
    record.client = address_of("2001:db8::7", 1);
    record.duration_us = 999;
    record.reason = "client_reset";
    assert_string_equal(formatted(&record),
                        "2026-11-24T15:01:02.345Z listener=web client=[2001:db8::7]:1 in=123 out=456 "
                        "duration=0.000 reason=client_reset\n");
}

static void test_session_log_line_without_an_address_tried(void **state)
{
    struct session_record record = proxied();

    (void)state;
    record.server_address = (struct address){0};
    assert_non_null(strstr(formatted(&record), " server=app1 in=123 "));
}

static void test_session_log_names_are_escaped(void **state)
{
    struct session_record record = proxied();

    (void)state;
    record.listener = "a b=c\"\\\n\x7f\xc3\xbc'-_.9";
    assert_non_null(
        strstr(formatted(&record), " listener=a\\x20b\\x3dc\\x22\\x5c\\x0a\\x7f\\xc3\\xbc\\x27-_.9 client="));
}

static void test_session_log_longest_line_fits(void **state)
{
    struct session_record record = proxied();
    char name[300];

    (void)state;
    memset(name, ' ', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    record.listener = name;
    record.server = name;
    record.client = address_of("fd00:1111:2222:3333:4444:5555:6666:7777", 65535);
    record.client.scope = UINT32_MAX;
    record.server_address = record.client;
    record.in_bytes = UINT64_MAX;
    record.out_bytes = UINT64_MAX;
    record.duration_us = UINT64_MAX;
    record.reason = "half_close_timeout";
    const char *line = formatted(&record);
    assert_string_equal(line + strlen(line) - 27, " reason=half_close_timeout\n");
}

static const char *taken(void)
{
    static char line[LINE_BYTES + 1];
    uint32_t tag;
    size_t length = session_log_take(line, &tag);

    line[length] = '\0';
    return line;
}

static void test_session_log_counts_what_is_lost_in_the_file(void **state)
{
    struct session_record record = proxied();
    char number[32];

    (void)state;
    for (unsigned i = 0; i < SESSION_LOG_QUEUE_LINES + 7; i++) {
        snprintf(number, sizeof number, "n%u", i);
        record.listener = number;
        session_log_write(&record);
    }
    for (unsigned i = 0; i < SESSION_LOG_QUEUE_LINES; i++) {
        snprintf(number, sizeof number, " listener=n%u ", i);
        assert_non_null(strstr(taken(), number));
    }
    assert_string_equal(taken() + 24, " lost=7\n");
    assert_string_equal(taken(), "");
}

static void test_session_log_is_off_until_turned_on(void **state)
{
    (void)state;
    assert_false(session_log_is_on());
    session_log_turn(true);
    assert_true(session_log_is_on());
    session_log_turn(false);
    assert_false(session_log_is_on());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_log_is_off_until_turned_on),
        cmocka_unit_test(test_session_log_line_of_a_proxy),
        cmocka_unit_test(test_session_log_line_of_an_echo_has_no_server),
        cmocka_unit_test(test_session_log_line_without_an_address_tried),
        cmocka_unit_test(test_session_log_names_are_escaped),
        cmocka_unit_test(test_session_log_longest_line_fits),
        cmocka_unit_test(test_session_log_counts_what_is_lost_in_the_file),
    };
    return cmocka_run_group_tests_name("session_log", tests, NULL, NULL);
}
