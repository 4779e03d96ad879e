/* listing, amount and rates: what `fairlead stats` shows of what somebody answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "stats/amount.h"
#include "stats/listing.h"
#include "stats/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From memory of exactly that size, so that ASan sees a byte too many. */
static char *print(const char *json)
{
    size_t bytes = strlen(json);
    struct listing listing;
    char *exact = malloc(bytes + 1);

    assert_non_null(exact);
    memcpy(exact, json, bytes);
    exact = realloc(exact, bytes > 0 ? bytes : 1);
    assert_true(listing_parse(exact, bytes, &listing));
    char *text = listing_print(&listing);
    listing_free(&listing);
    free(exact);
    assert_non_null(text);
    return text;
}

static void test_listing_shows_listeners_servers_and_reasons(void **state)
{
    char *text =
        print("{\"totals\":{\"refused\":{\"ip_limit\":2,\"draining\":0},\"closed\":{\"finished\":12,\"client_"
              "reset\":3},"
              "\"errors\":{\"connect_refused\":0}},"
              "\"listeners\":[{\"name\":\"web\",\"state\":\"listening\",\"sessions\":{\"active\":3,\"peak\":"
              "9,\"total\":1284},"
              "\"refused\":{\"ip_limit\":2,\"server_limit\":5},\"bytes\":{\"in\":12400000,\"out\":999},"
              "\"session_time_us\":{\"p50\":950,\"p99\":1234567}},"
              "{\"name\":\"\xC3\xA4\",\"state\":\"removed\"}],"
              "\"upstreams\":[{\"name\":\"up\",\"servers\":[{\"name\":\"one\",\"sessions\":{\"active\":1},"
              "\"errors\":{\"connect_timeout\":4,\"other\":1},\"connect_time_us\":{\"p50\":1500,\"p99\":"
              "20000}}]}]}");

    (void)state;
    assert_string_equal(
        text,
        "closed     12 finished, 3 client_reset\n"
        "refused    2 ip_limit\n"
        "\n"
        "listener  state      now  peak  total  refused       in        out  session p50    p99\n"
        "web       listening    3     9   1284        7  12.4 MB  999 bytes       950 us  1.2 s\n"
        "\xC3\xA4         removed      0     0      0        0  0 bytes    0 bytes            -      -\n"
        "\n"
        "server  now  peak  total  errors       in      out  connect p50      p99\n"
        "up/one    1     0      0       5  0 bytes  0 bytes       1.5 ms  20.0 ms\n");
    memory_free(text);
}

static void test_answer_of_anything_else_is_an_empty_listing(void **state)
{
    static const char *const answers[] = {
        "",
        "{",
        "[]",
        "7",
        "null",
        "{\"listeners\":7,\"upstreams\":{\"servers\":1},\"totals\":[]}",
        "{\"upstreams\":[1,\"x\",null,{\"servers\":{}}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char *text = print(answers[i]);
        assert_string_equal(text, "");
        memory_free(text);
    }
}

static void test_names_are_safe_for_a_terminal_and_in_one_line(void **state)
{
    char *text = print("{\"listeners\":[{\"name\":\"a\\u001b[2J\\nb\",\"state\":\"x\\ny\\u0007\"}],"
                       "\"totals\":{\"closed\":{\"\\u001bevil\":3,\"fine\":1}}}");

    (void)state;
    assert_non_null(strstr(text, "closed     1 fine\n"));
    assert_non_null(strstr(text, "\na\\x1b[2J "));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\a'));
    assert_null(strstr(text, "\nb"));
    memory_free(text);
}

static void test_long_names_and_many_reasons_are_cut(void **state)
{
    static char json[20000];
    char *end = json + sprintf(json, "{\"totals\":{\"closed\":{");
    (void)state;

    for (int i = 0; i < 100; i++)
        end +=
            sprintf(end, "%s\"reason_%c%c_that_is_long\":1", i == 0 ? "" : ",", 'a' + i / 26, 'a' + i % 26);
    end += sprintf(end, "}},\"upstreams\":[{\"name\":\"");
    memset(end, 'u', 1000);
    end += sprintf(end + 1000, "\",\"servers\":[{\"name\":\"") + 1000;
    memset(end, 's', 1000);
    sprintf(end + 1000, "\"}]}]}");
    char *text = print(json);
    const char *first = strchr(text, '\n');
    assert_non_null(first);
    assert_true(first - text < LISTING_REASONS_BYTES + 20);
    assert_int_equal(strncmp(first - 5, "_long", 5), 0); /* whole reasons only */
    assert_non_null(strstr(text, "u/s"));
    memory_free(text);
}

static void test_amounts_have_the_unit_that_people_read_best(void **state)
{
    static const struct {
        uint64_t amount;
        const char *bytes;
        const char *time;
    } cases[] = {
        {0, "0 bytes", "0 us"},
        {999, "999 bytes", "999 us"},
        {1000, "1.0 kB", "1.0 ms"},
        {999949, "999.9 kB", "999.9 ms"},
        {999950, "1.0 MB", "1000.0 ms"},
        {1000000, "1.0 MB", "1.0 s"},
        {UINT64_MAX, "18.4 EB", "18446744073709.6 s"},
    };
    char text[AMOUNT_TEXT_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(amount_format_bytes(cases[i].amount, text), cases[i].bytes);
        assert_string_equal(amount_format_us(cases[i].amount, text), cases[i].time);
    }
    assert_string_equal(amount_format_seconds(59.9, text), "59 s");
    assert_string_equal(amount_format_seconds(60, text), "1 min");
    assert_string_equal(amount_format_seconds(7384, text), "2 h 3 min");
    assert_string_equal(amount_format_seconds(90000, text), "1 d 1 h");
}

static void test_rates_are_by_the_clock_of_the_server(void **state)
{
    struct stats_summary before = {.pid = 7, .uptime_seconds = 10, .sessions_total = 100, .bytes_in = 5000};
    struct stats_summary now = {.pid = 7,
                                .uptime_seconds = 12,
                                .sessions_total = 103,
                                .sessions_active = 2,
                                .refused = 1,
                                .bytes_in = 9000};
    char line[200];
    (void)state;

    strcpy(now.state, "serving");
    assert_string_equal(rates_format(&before, &now, line, sizeof line),
                        "       2        1.5        0.5        0.0        2.0 kB       0 bytes  serving");
    assert_int_equal(strstr(rates_title(), "state") - rates_title(), strstr(line, "serving") - line);
    assert_int_equal(strlen(rates_format(&before, &now, line, 20)), 19);
}

static void test_rates_of_another_process_are_not_known(void **state)
{
    struct stats_summary before = {.pid = 7, .uptime_seconds = 10, .sessions_total = 100};
    struct stats_summary now = {.pid = 8, .uptime_seconds = 20, .sessions_total = 200};
    char line[200];
    (void)state;

    assert_non_null(strstr(rates_format(&before, &now, line, sizeof line), "0          -          -"));
    now.pid = 7;
    now.uptime_seconds = 10;
    assert_non_null(strstr(rates_format(&before, &now, line, sizeof line), "0          -          -"));
    now.uptime_seconds = 11;
    now.sessions_total = 50;
    assert_non_null(strstr(rates_format(&before, &now, line, sizeof line), "0        0.0        0.0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listing_shows_listeners_servers_and_reasons),
        cmocka_unit_test(test_answer_of_anything_else_is_an_empty_listing),
        cmocka_unit_test(test_names_are_safe_for_a_terminal_and_in_one_line),
        cmocka_unit_test(test_long_names_and_many_reasons_are_cut),
        cmocka_unit_test(test_amounts_have_the_unit_that_people_read_best),
        cmocka_unit_test(test_rates_are_by_the_clock_of_the_server),
        cmocka_unit_test(test_rates_of_another_process_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
