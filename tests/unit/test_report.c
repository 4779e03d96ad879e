/* report: lines in order, a limit, and never nothing at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "report.h"

static void test_report_keeps_lines_in_order(void **state)
{
    struct report report = {0};
    (void)state;

    report_line(&report, "one %d", 1);
    report_add_text(&report, "two\nthree");
    assert_string_equal(report_text(&report), "one 1\ntwo\nthree\n");
    report_free(&report);
    assert_string_equal(report_text(&report), "\n");
    report_free(&report);
}

static void test_report_says_how_much_it_left_out(void **state)
{
    struct report report = {0};
    (void)state;

    for (int i = 0; i < REPORT_LINES_MAX + 7; i++)
        report_line(&report, "line %d", i);
    const char *text = report_text(&report);
    const char *end = strstr(text, "line 199\n");
    assert_non_null(end);
    assert_string_equal(end, "line 199\n... and 7 more lines\n");
    report_free(&report);
}

static void test_report_cuts_long_lines(void **state)
{
    char line[2 * REPORT_LINE_BYTES];
    char first[REPORT_LINE_BYTES];
    struct report report = {0};
    (void)state;

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    report_line(&report, "%s", line);
    report_add_text(&report, line);
    const char *text = report_text(&report);
    assert_int_equal(strlen(text), 2 * REPORT_LINE_BYTES);
    assert_true(report_next_line(&text, first));
    assert_int_equal(strlen(first), REPORT_LINE_BYTES - 1);
    assert_true(report_next_line(&text, first));
    assert_false(report_next_line(&text, first));
    report_free(&report);
}

static void test_report_cuts_between_characters(void **state)
{
    char line[2 * REPORT_LINE_BYTES];
    struct report report = {0};
    (void)state;

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line + REPORT_LINE_BYTES - 3, "\xE2\x82\xAC", 3); /* a euro sign, of which two bytes would fit */
    report_line(&report, "%s", line);
    assert_int_equal(strlen(report_text(&report)), REPORT_LINE_BYTES - 3 + 1);
    report_free(&report);
    memcpy(line + REPORT_LINE_BYTES - 4, "\xE2\x82\xAC", 3); /* fits just so */
    report_line(&report, "%s", line);
    assert_int_equal(strlen(report_text(&report)), REPORT_LINE_BYTES - 1 + 1);
    report_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_keeps_lines_in_order),
        cmocka_unit_test(test_report_says_how_much_it_left_out),
        cmocka_unit_test(test_report_cuts_long_lines),
        cmocka_unit_test(test_report_cuts_between_characters),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
