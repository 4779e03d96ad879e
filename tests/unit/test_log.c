/* base/log: what a line looks like, that nothing foreign passes unescaped, and that the queue never blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_CHARS = 24, TEXT_AT = LOG_TEXT_AT };

static uint32_t tag; /* of the line that was taken last */

/* The oldest line as a string; "" when there is none. */
static const char *taken(void)
{
    static char text[LOG_LINE_BYTES + 1];
    size_t length = log_take(text, &tag);

    assert_true(length <= LOG_LINE_BYTES);
    text[length] = '\0';
    return text;
}

static void drain(void)
{
    while (taken()[0] != '\0')
        continue;
}

static int start_fresh(void **state)
{
    (void)state;
    drain();
    log_set_level(LOG_INFO);
    return 0;
}

static void test_log_line_has_time_level_and_text(void **state)
{
    (void)state;

    log_warn("listener %s: %d clients", "echo", 7);
    const char *line = taken();
    assert_int_equal(strspn(line, "0123456789-T:.Z"), TIME_CHARS);
    assert_string_equal(line + TIME_CHARS, " warn  listener echo: 7 clients\n");
    log_error("x");
    assert_string_equal(taken() + TIME_CHARS, " error x\n");
    log_info("x");
    assert_string_equal(taken() + TIME_CHARS, " info  x\n");
    assert_string_equal(taken(), "");
}

static void test_log_keeps_the_order(void **state)
{
    (void)state;

    for (int round = 0; round < 5 * LOG_QUEUE_LINES; round++) {
        log_info("line %d", round);
        if (round % 2 == 1) {
            char expected[32];
            snprintf(expected, sizeof expected, "line %d\n", round - 1);
            assert_string_equal(taken() + TEXT_AT, expected);
            snprintf(expected, sizeof expected, "line %d\n", round);
            assert_string_equal(taken() + TEXT_AT, expected);
        }
    }
    assert_string_equal(taken(), "");
}

static void test_log_level_holds_lines_back(void **state)
{
    enum log_level level = LOG_ERROR;
    (void)state;

    log_debug("no");
    assert_string_equal(taken(), "");
    log_set_level(LOG_DEBUG);
    assert_int_equal(log_level(), LOG_DEBUG);
    log_debug("yes");
    assert_string_equal(taken() + TEXT_AT, "yes\n");
    log_set_level(LOG_ERROR);
    log_warn("no");
    assert_string_equal(taken(), "");

    for (unsigned i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        assert_true(log_level_from_text(log_level_text((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_from_text("Info", &level));
    assert_false(log_level_from_text("", &level));
    assert_int_equal(level, LOG_DEBUG);
}

static void test_log_full_queue_drops_and_counts(void **state)
{
    (void)state;

    for (int i = 0; i < LOG_QUEUE_LINES + 3; i++)
        log_info("line %d", i);
    assert_string_equal(taken() + TEXT_AT, "line 0\n");
    log_info("after the loss");
    for (int i = 1; i < LOG_QUEUE_LINES; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "line %d\n", i);
        assert_string_equal(taken() + TEXT_AT, expected);
    }
    assert_string_equal(taken() + TIME_CHARS, " warn  3 log lines were lost\n");
    assert_string_equal(taken() + TEXT_AT, "after the loss\n");
    assert_string_equal(taken(), "");

    for (int i = 0; i < LOG_QUEUE_LINES + 1; i++)
        log_info("x");
    for (int i = 0; i < LOG_QUEUE_LINES; i++)
        assert_string_equal(taken() + TEXT_AT, "x\n");
    assert_string_equal(taken() + TEXT_AT, "1 log line was lost\n");
    assert_string_equal(taken(), "");
}

static const char *escaped(const char *text, size_t bytes)
{
    static char out[1024];
    size_t length = log_escape(text, bytes, out, sizeof out);

    assert_int_equal(length, strlen(out));
    return out;
}

#define assert_escaped(text, expected) assert_string_equal(escaped(text, sizeof(text) - 1), expected)

static void test_log_escape_leaves_readable_text(void **state)
{
    (void)state;

    assert_escaped("", "");
    assert_escaped("GET / HTTP/1.1 ~\"'%n", "GET / HTTP/1.1 ~\"'%n");
    assert_escaped("Gr\xc3\xbc\xc3\x9f"
                   "e \xe2\x82\xac \xf0\x9f\x9a\xa2",
                   "Gr\xc3\xbc\xc3\x9f"
                   "e \xe2\x82\xac \xf0\x9f\x9a\xa2");
    assert_escaped("\xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80",
                   "\xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80");
}

static void test_log_escape_disarms_what_a_terminal_obeys(void **state)
{
    (void)state;

    assert_escaped("a\r\nb\tc\x1b[2J\x7f", "a\\x0d\\x0ab\\x09c\\x1b[2J\\x7f");
    assert_escaped("a\0b", "a\\x00b");
    assert_escaped("\xc2\x9b"
                   "31m\xc2\x85",
                   "\\xc2\\x9b31m\\xc2\\x85");
    assert_escaped("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f",
                   "\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8f");
    assert_escaped("\xd8\x9c\xef\xbb\xbf", "\\xd8\\x9c\\xef\\xbb\\xbf");
}

static void test_log_escape_shows_the_bytes_of_invalid_utf8(void **state)
{
    (void)state;

    assert_escaped("\xff\xfe", "\\xff\\xfe");
    assert_escaped("\x80z", "\\x80z");
    assert_escaped("\xc3", "\\xc3");
    assert_escaped("\xc3z", "\\xc3z");
    assert_escaped("\xe2\x82", "\\xe2\\x82");
    assert_escaped("\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf");
    assert_escaped("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    assert_escaped("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
    assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void test_log_escape_doubles_backslashes_and_log_write_does_not(void **state)
{
    char out[64];
    (void)state;

    assert_escaped("\\x0a", "\\\\x0a");
    log_escape("\\\n", 2, out, sizeof out);
    log_info("%s in C:\\Fairlead\\server.ini\n\x1b", out);
    assert_string_equal(taken() + TEXT_AT, "\\\\\\x0a in C:\\Fairlead\\server.ini\\x0a\\x1b\n");
}

/* Reads back what log_escape wrote. */
static size_t unescape(const char *text, char *out)
{
    size_t length = 0;
    while (*text != '\0') {
        if (text[0] == '\\' && text[1] == 'x') {
            char digits[3] = {text[2], text[3], '\0'};
            out[length++] = (char)strtoul(digits, NULL, 16);
            text += 4;
        } else {
            text += text[0] == '\\' ? 1 : 0;
            out[length++] = *text++;
        }
    }
    return length;
}

static void test_log_escape_can_be_read_in_one_way_only(void **state)
{
    uint64_t random = 31337;
    (void)state;

    for (unsigned round = 0; round < 20000; round++) {
        char text[40];
        char again[200];
        size_t bytes = random_next(&random) % sizeof text;
        for (size_t i = 0; i < bytes; i++) {
            uint64_t draw = random_next(&random);
            text[i] = (char)(draw % 3 == 0 ? "\\x0a\xe2\x80\xae"[draw / 3 % 7] : (char)(draw >> 8));
        }
        const char *out = escaped(text, bytes);
        for (const char *at = out; *at != '\0'; at++)
            assert_false((*at >= 0 && *at < 0x20) || *at == 0x7f);
        assert_int_equal(unescape(out, again), bytes);
        assert_memory_equal(again, text, bytes);
    }
}

static void test_log_escape_never_cuts_in_two(void **state)
{
    static const char text[] = "a\n\xc3\xbc\\\xe2\x82\xac";
    static const char whole[] = "a\\x0a\xc3\xbc\\\\\xe2\x82\xac";
    static const size_t ends[] = {0, 1, 5, 7, 9, 12};
    (void)state;

    for (size_t room = 1; room <= sizeof whole; room++) {
        char *out = malloc(room); /* exact, so that ASan sees a byte too many */
        assert_non_null(out);
        size_t expected = 0;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            if (ends[i] < room)
                expected = ends[i];
        }
        assert_int_equal(log_escape(text, sizeof text - 1, out, room), expected);
        assert_memory_equal(out, whole, expected);
        assert_int_equal(out[expected], '\0');
        free(out);
    }
}

static void test_log_long_line_is_cut_and_marked(void **state)
{
    char text[3 * LOG_LINE_BYTES];
    const size_t fits = LOG_LINE_BYTES - TEXT_AT - 1;
    (void)state;

    memset(text, 'a', sizeof text);
    text[fits] = '\0';
    log_info("%s", text);
    const char *line = taken();
    assert_int_equal(strlen(line), LOG_LINE_BYTES);
    assert_string_equal(line + LOG_LINE_BYTES - 4, "aaa\n");

    text[fits] = 'a';
    text[fits + 1] = '\0';
    log_info("%s", text);
    line = taken();
    assert_int_equal(strlen(line), LOG_LINE_BYTES);
    assert_string_equal(line + LOG_LINE_BYTES - 5, "a...\n");

    memset(text, '\n', sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
    line = taken();
    assert_true(strlen(line) <= LOG_LINE_BYTES && strlen(line) > LOG_LINE_BYTES - 4);
    assert_string_equal(line + strlen(line) - 8, "\\x0a...\n");
}

static unsigned wakes;

static void count_wake(bool urgent)
{
    wakes += urgent ? 0 : 1;
}

static void test_log_wakes_the_sink_once_until_it_found_nothing(void **state)
{
    (void)state;

    log_set_wake(count_wake);
    drain();
    wakes = 0;
    log_info("1");
    assert_int_equal(wakes, 1);
    log_info("2");
    log_debug("held back");
    assert_int_equal(wakes, 1);
    taken();
    log_info("3");
    assert_int_equal(wakes, 1);
    drain();
    log_info("4");
    assert_int_equal(wakes, 2);
    log_set_wake(NULL);
}

static void test_log_events_are_tagged_and_pass_the_level(void **state)
{
    (void)state;

    log_event(EVENT_UPSTREAM_DOWN, LOG_WARN, "server %s is down", "app1");
    assert_string_equal(taken() + TIME_CHARS, " warn  server app1 is down\n");
    assert_int_equal(log_tag_event(tag), EVENT_UPSTREAM_DOWN);
    assert_int_equal(log_tag_level(tag), LOG_WARN);
    assert_false(log_tag_is_hidden(tag));

    log_error("no event");
    assert_string_equal(taken() + TEXT_AT, "no event\n");
    assert_int_equal(log_tag_event(tag), EVENT_NONE);
    assert_int_equal(log_tag_level(tag), LOG_ERROR);

    log_set_level(LOG_ERROR);
    log_event(EVENT_STARTED, LOG_INFO, "started");
    log_info("no");
    assert_string_equal(taken() + TEXT_AT, "started\n");
    assert_int_equal(log_tag_event(tag), EVENT_STARTED);
    assert_int_equal(log_tag_level(tag), LOG_INFO);
    assert_true(log_tag_is_hidden(tag));
    assert_string_equal(taken(), "");
}

static void test_log_allowed_once_per_interval(void **state)
{
    struct log_limit limit = {0, 0};
    uint64_t suppressed = 99;
    (void)state;

    assert_true(log_allowed(&limit, 0, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(log_allowed(&limit, 0, &suppressed));
    assert_false(log_allowed(&limit, LOG_INTERVAL_US - 1, &suppressed));
    assert_true(log_allowed(&limit, LOG_INTERVAL_US, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_false(log_allowed(&limit, LOG_INTERVAL_US, &suppressed));
    assert_true(log_allowed(&limit, 100 * (uint64_t)LOG_INTERVAL_US, &suppressed));
    assert_int_equal(suppressed, 1);
}

/* --- several writers, one reader --- */

enum { WRITERS = 4, LINES_EACH = 20000 };

static uint32_t writers_left;

static void *write_lines(void *argument)
{
    unsigned writer = (unsigned)(uintptr_t)argument;

    for (unsigned i = 0; i < LINES_EACH; i++)
        log_info("%u %u", writer, i);
    atomic_fetch_add_u32(&writers_left, (uint32_t)-1);
    return NULL;
}

static void test_log_many_writers_lose_nothing_uncounted(void **state)
{
    pthread_t threads[WRITERS];
    unsigned next[WRITERS] = {0};
    uint64_t seen = 0, lost = 0;
    (void)state;

    writers_left = WRITERS;
    for (uintptr_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)i), 0);
    for (;;) {
        bool last = atomic_load_u32(&writers_left) == 0;
        const char *line = taken();
        unsigned writer, number;
        unsigned long long count;
        if (line[0] == '\0') {
            if (last)
                break;
            atomic_pause();
        } else if (strstr(line, " lost\n") != NULL) {
            assert_int_equal(sscanf(line + TEXT_AT, "%llu log line", &count), 1);
            lost += count;
        } else {
            assert_int_equal(sscanf(line + TEXT_AT, "%u %u\n", &writer, &number), 2);
            assert_true(writer < WRITERS && number >= next[writer]);
            next[writer] = number + 1;
            seen++;
        }
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(seen + lost, WRITERS * LINES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_log_line_has_time_level_and_text, start_fresh),
        cmocka_unit_test_setup(test_log_keeps_the_order, start_fresh),
        cmocka_unit_test_setup(test_log_level_holds_lines_back, start_fresh),
        cmocka_unit_test_setup(test_log_full_queue_drops_and_counts, start_fresh),
        cmocka_unit_test(test_log_escape_leaves_readable_text),
        cmocka_unit_test(test_log_escape_disarms_what_a_terminal_obeys),
        cmocka_unit_test(test_log_escape_shows_the_bytes_of_invalid_utf8),
        cmocka_unit_test_setup(test_log_escape_doubles_backslashes_and_log_write_does_not, start_fresh),
        cmocka_unit_test(test_log_escape_can_be_read_in_one_way_only),
        cmocka_unit_test(test_log_escape_never_cuts_in_two),
        cmocka_unit_test_setup(test_log_long_line_is_cut_and_marked, start_fresh),
        cmocka_unit_test_setup(test_log_wakes_the_sink_once_until_it_found_nothing, start_fresh),
        cmocka_unit_test_setup(test_log_events_are_tagged_and_pass_the_level, start_fresh),
        cmocka_unit_test(test_log_allowed_once_per_interval),
        cmocka_unit_test_setup(test_log_many_writers_lose_nothing_uncounted, start_fresh),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
