/* stats_summary: what is read back from /stats, from whoever answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/stats_summary.h"

#include <stdlib.h>
#include <string.h>

static struct stats_summary summary;

/* From memory of exactly that size, so that ASan sees a byte too many. */
static bool parse(const char *json)
{
    size_t bytes = strlen(json);
    char *exact = malloc(bytes + 1);

    assert_non_null(exact);
    memcpy(exact, json, bytes);
    exact = realloc(exact, bytes > 0 ? bytes : 1);
    bool parsed = stats_summary_parse(exact, bytes, &summary);
    free(exact);
    return parsed;
}

static void test_summary_reads_what_stats_print(void **state)
{
    (void)state;
    assert_true(parse(
        "{\"server\":{\"name\":\"fairlead\",\"version\":\"1.2.3\",\"pid\":4711,\"uptime_seconds\":7384.25,"
        "\"state\":\"serving\",\"config_generation\":3,\"config_generations_in_use\":2,"
        "\"reload\":{\"attempts\":7,\"applied\":false,\"at\":\"2026\",\"text\":\"a.ini:1: x\\nb\\n\"}},"
        "\"totals\":{\"sessions\":{\"active\":3,\"peak\":9,\"total\":1284,\"limit\":null},"
        "\"bytes\":{\"in\":12400000,\"out\":999}},\"listeners\":[]}"));
    assert_string_equal(summary.version, "1.2.3");
    assert_string_equal(summary.state, "serving");
    assert_int_equal(summary.pid, 4711);
    assert_int_equal(summary.generation, 3);
    assert_int_equal(summary.generations_in_use, 2);
    assert_true(summary.has_reload);
    assert_false(summary.reload_applied);
    assert_int_equal(summary.reload_attempts, 7);
    assert_string_equal(summary.reload_text, "a.ini:1: x\nb");
    char line[200];
    assert_string_equal(stats_summary_format(&summary, line, sizeof line),
                        "serving for 2 h 3 min, 3 sessions now, 1284 in all, 12.4 MB in, 999 bytes out, "
                        "configuration 3 (2 in use)");
    assert_true(strlen(stats_summary_format(&summary, line, 20)) == 19);
}

static void test_summary_of_an_older_version_has_zeros(void **state)
{
    char line[200];
    (void)state;

    assert_true(parse("{\"server\":{\"name\":\"fairlead\",\"state\":\"draining\"}}"));
    assert_false(summary.has_reload);
    assert_string_equal(summary.reload_text, "");
    assert_string_equal(
        stats_summary_format(&summary, line, sizeof line),
        "draining for 0 s, 0 sessions now, 0 in all, 0 bytes in, 0 bytes out, configuration 0");
}

static void test_summary_of_something_else_is_none(void **state)
{
    static const char *const others[] = {"",
                                         "{",
                                         "[]",
                                         "null",
                                         "{\"server\":7}",
                                         "{\"server\":{\"name\":7}}",
                                         "{\"server\":{\"name\":\"nginx\"}}",
                                         "<html>"};
    (void)state;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        memset(&summary, 0xff, sizeof summary);
        assert_false(parse(others[i]));
        assert_int_equal(summary.pid, 0);
    }
}

static void test_summary_takes_no_number_for_what_it_is_not(void **state)
{
    (void)state;
    assert_true(parse(
        "{\"server\":{\"name\":\"fairlead\",\"pid\":-1,\"uptime_seconds\":1e300,\"config_generation\":1e30,"
        "\"state\":[],\"reload\":{\"attempts\":\"7\",\"applied\":null,\"text\":5}},"
        "\"totals\":{\"sessions\":[1],\"bytes\":{\"in\":true}}}"));
    assert_int_equal(summary.pid, 0);
    assert_int_equal(summary.generation, 0);
    assert_true(summary.uptime_seconds == 0);
    assert_true(summary.has_reload);
    assert_int_equal(summary.reload_attempts, 0);
}

static void test_texts_are_safe_for_a_terminal(void **state)
{
    (void)state;
    assert_true(parse(
        "{\"server\":{\"name\":\"fairlead\",\"reload\":{\"text\":\"C:\\\\a b\\\\x \\u001b[2J\\r\\n\\u202eo\\n"
        "\\u0007\"}}}"));
    assert_string_equal(summary.reload_text, "C:\\a b\\x \\x1b[2J\\x0d\n\\xe2\\x80\\xaeo\n\\x07");
}

static void test_long_texts_are_cut(void **state)
{
    static char json[20000];
    (void)state;

    strcpy(json, "{\"server\":{\"name\":\"fairlead\",\"version\":\"123456789012345678901234567890123456789\","
                 "\"reload\":{\"text\":\"");
    for (size_t i = 0; i < 3000; i++)
        strcat(json, "ab\\n");
    strcat(json, "\"}}}");
    assert_true(parse(json));
    assert_true(strlen(summary.version) < sizeof summary.version && strlen(summary.version) > 25);
    assert_true(strlen(summary.reload_text) < sizeof summary.reload_text);
    assert_true(strlen(summary.reload_text) > sizeof summary.reload_text - 10);
}

static void test_answer_to_a_reload_is_read(void **state)
{
    static const char yes[] = "{\"applied\":true,\"generation\":4,\"text\":\"listener a: new\\n\"}";
    static const char no[] = "{\"applied\":false,\"text\":\"x.ini:1: y\"}";
    static const char other[] = "{\"error\":1}";
    struct stats_reload_answer answer;
    (void)state;

    assert_true(stats_summary_parse_reload(yes, sizeof yes - 1, &answer));
    assert_true(answer.applied);
    assert_int_equal(answer.generation, 4);
    assert_string_equal(answer.text, "listener a: new");
    assert_true(stats_summary_parse_reload(no, sizeof no - 1, &answer));
    assert_false(answer.applied);
    assert_string_equal(answer.text, "x.ini:1: y");
    assert_false(stats_summary_parse_reload(other, sizeof other - 1, &answer));
    assert_false(stats_summary_parse_reload("", 0, &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_reads_what_stats_print),
        cmocka_unit_test(test_summary_of_an_older_version_has_zeros),
        cmocka_unit_test(test_summary_of_something_else_is_none),
        cmocka_unit_test(test_summary_takes_no_number_for_what_it_is_not),
        cmocka_unit_test(test_texts_are_safe_for_a_terminal),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_answer_to_a_reload_is_read),
    };
    return cmocka_run_group_tests_name("stats_summary", tests, NULL, NULL);
}
