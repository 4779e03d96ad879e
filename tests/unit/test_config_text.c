/* config/text and config/endpoint: words that are meant, UTF-8, and HOST:PORT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/endpoint.h"
#include "config/text.h"

#include <string.h>

static void test_text_suggests_the_nearest_word(void **state)
{
    static const char *const words[] = {"idle_timeout", "listen", NULL, "listener", "mode", "max_sessions"};
    const size_t count = sizeof words / sizeof words[0];

    (void)state;
    assert_string_equal(text_suggest("idle_timout", words, count), "idle_timeout");
    assert_string_equal(text_suggest("idel_timeout", words, count), "idle_timeout");
    assert_string_equal(text_suggest("IDLE-TIMEOUT", words, count), "idle_timeout");
    assert_string_equal(text_suggest("lsiten", words, count), "listen");
    assert_string_equal(text_suggest("listene", words, count), "listen");
    assert_string_equal(text_suggest("maxsessions", words, count), "max_sessions");
    assert_string_equal(text_suggest("mod", words, count), "mode");
}

static void test_text_suggests_nothing_far_off(void **state)
{
    static const char *const words[] = {"idle_timeout", "mode"};
    char huge[4096];

    (void)state;
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    assert_null(text_suggest("timeout", words, 2));
    assert_null(text_suggest("made_of", words, 2));
    assert_null(text_suggest("", words, 2));
    assert_null(text_suggest(huge, words, 2));
}

static void test_text_swap_of_neighbours_counts_once(void **state)
{
    static const char *const words[] = {"mode"};

    (void)state;
    assert_string_equal(text_suggest("mdoe", words, 1),
                        "mode"); /* 2 in Levenshtein's count, and 2 of 4 is too far */
    assert_null(text_suggest("mxxe", words, 1));
}

static void test_text_utf8_stops_at_the_first_wrong_byte(void **state)
{
    static const struct {
        const char *text;
        size_t valid;
    } rows[] = {
        {"plain", 5},
        {"gr\xc3\xbc\xc3\x9f", 6},
        {"\xe2\x82\xac\xf0\x9f\x98\x80", 7},
        {"\xed\x9f\xbf\xf4\x8f\xbf\xbf", 7},
        {"a\xe4", 1},            /* Latin-1 */
        {"ab\xc0\x80", 2},       /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\x80", 0},
        {"x\xe2\x82", 1},
        {"\xc3(", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(text_utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
}

static void expect_endpoint(enum endpoint_use use, const char *text, const char *host, unsigned port,
                            bool literal)
{
    struct endpoint endpoint;

    if (endpoint_parse(use, text, &endpoint) != ENDPOINT_OK)
        fail_msg("\"%s\" is refused", text);
    assert_string_equal(endpoint.host, host);
    assert_int_equal(endpoint.port, port);
    assert_int_equal(endpoint.is_literal, literal);
    if (literal)
        assert_int_equal(endpoint.address.port, port);
}

static void test_endpoint_splits_host_and_port(void **state)
{
    (void)state;
    expect_endpoint(ENDPOINT_LISTEN, "127.0.0.1:8080", "127.0.0.1", 8080, true);
    expect_endpoint(ENDPOINT_LISTEN, "0.0.0.0:0", "0.0.0.0", 0, true);
    expect_endpoint(ENDPOINT_LISTEN, "[::]:65535", "::", 65535, true);
    expect_endpoint(ENDPOINT_CONNECT, "[fe80::1%3]:1", "fe80::1%3", 1, true);
    expect_endpoint(ENDPOINT_CONNECT, "db-1.internal_net.example:5432", "db-1.internal_net.example", 5432,
                    false);
    expect_endpoint(ENDPOINT_CONNECT, "localhost:080", "localhost", 80, false);
    expect_endpoint(ENDPOINT_CONNECT, "example.com.:80", "example.com.", 80, false);
    expect_endpoint(ENDPOINT_CONNECT, "3com.example:80", "3com.example", 80, false);
}

static void test_endpoint_names_each_mistake(void **state)
{
    static const struct {
        const char *text;
        enum endpoint_error error;
    } rows[] = {
        {"", ENDPOINT_EMPTY},
        {"8080", ENDPOINT_PORT_ALONE},
        {":8080", ENDPOINT_HOST_MISSING},
        {"*:8080", ENDPOINT_STAR},
        {"host", ENDPOINT_PORT_MISSING},
        {"host:", ENDPOINT_PORT_MISSING},
        {"[::1]", ENDPOINT_PORT_MISSING},
        {"[::1]:", ENDPOINT_PORT_MISSING},
        {"host:http", ENDPOINT_PORT_WRONG},
        {"host:65536", ENDPOINT_PORT_WRONG},
        {"host:4294967297", ENDPOINT_PORT_WRONG},
        {"host:-1", ENDPOINT_PORT_WRONG},
        {"host:1x", ENDPOINT_PORT_WRONG},
        {"[::1]8080", ENDPOINT_PORT_WRONG},
        {"host:0", ENDPOINT_PORT_ZERO},
        {"0.0.0.0:80", ENDPOINT_ANY_ADDRESS},
        {"[::]:80", ENDPOINT_ANY_ADDRESS},
        {"::1:80", ENDPOINT_NOT_BRACKETED},
        {"[::1:80", ENDPOINT_BRACKET_OPEN},
        {"[]:80", ENDPOINT_NOT_V6},
        {"[127.0.0.1]:80", ENDPOINT_NOT_V6},
        {"[host]:80", ENDPOINT_NOT_V6},
        {"[fe80::1%eth0]:80", ENDPOINT_NOT_V6},
        {"256.0.0.1:80", ENDPOINT_NOT_V4},
        {"127.1:80", ENDPOINT_NOT_V4},
        {"1.2.3.4.5:80", ENDPOINT_NOT_V4},
        {"http://host:80", ENDPOINT_URL},
        {"host :80", ENDPOINT_BLANK},
        {"a..b:80", ENDPOINT_NAME_WRONG},
        {".a:80", ENDPOINT_NAME_WRONG},
        {"-a:80", ENDPOINT_NAME_WRONG},
        {"a-:80", ENDPOINT_NAME_WRONG},
        {"a-.b:80", ENDPOINT_NAME_WRONG},
        {"a/b:80", ENDPOINT_NAME_WRONG},
        {"b\xc3\xbc"
         "cher.example:80",
         ENDPOINT_NAME_WRONG},
        {"a]:80", ENDPOINT_NAME_WRONG},
    };
    struct endpoint endpoint;
    char advice[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum endpoint_error error = endpoint_parse(ENDPOINT_CONNECT, rows[i].text, &endpoint);
        if (error != rows[i].error)
            fail_msg("\"%s\" gives error %d", rows[i].text, (int)error);
        endpoint_advise(error, ENDPOINT_CONNECT, rows[i].text, advice, sizeof advice);
        assert_null(strstr(advice, "is right"));
    }
}

static void test_endpoint_names_have_63_bytes_per_label_and_253_in_all(void **state)
{
    struct endpoint endpoint;
    char text[300] = "";

    (void)state;
    memset(text, 'a', 253);
    for (size_t i = 63; i < 253; i += 64)
        text[i] = '.';
    strcpy(text + 253, ":80");
    assert_int_equal(endpoint_parse(ENDPOINT_CONNECT, text, &endpoint), ENDPOINT_OK);
    strcpy(text + 253, "a:80");
    assert_int_equal(endpoint_parse(ENDPOINT_CONNECT, text, &endpoint), ENDPOINT_NAME_LONG);
    memset(text, 0, sizeof text);
    memset(text, 'b', 64);
    strcpy(text + 64, ".c:80");
    assert_int_equal(endpoint_parse(ENDPOINT_CONNECT, text, &endpoint), ENDPOINT_NAME_LONG);
}

static void test_endpoint_advice_says_what_to_write(void **state)
{
    char advice[256];

    (void)state;
    assert_string_equal(
        endpoint_advise(ENDPOINT_STAR, ENDPOINT_LISTEN, "*:90", advice, sizeof advice),
        "'*' is not an address; write 127.0.0.1:90 (this machine only), 0.0.0.0:90 (every IPv4 "
        "address) or [::]:90 (IPv4 and IPv6)");
    assert_string_equal(endpoint_advise(ENDPOINT_PORT_ALONE, ENDPOINT_CONNECT, "90", advice, sizeof advice),
                        "a port needs an address before it; write HOST:PORT, such as 127.0.0.1:90");
    assert_string_equal(
        endpoint_advise(ENDPOINT_NOT_V6, ENDPOINT_LISTEN, "[x]:1", advice, sizeof advice),
        "'[x]:1': what stands in the brackets is not an IPv6 address (a scope is a number, as in "
        "[fe80::1%3]:8080)");
    assert_string_equal(endpoint_advise(ENDPOINT_PORT_WRONG, ENDPOINT_LISTEN, "x:y", advice, sizeof advice),
                        "'x:y' does not end in a port, a number from 0 to 65535");
    assert_string_equal(endpoint_advise(ENDPOINT_PORT_WRONG, ENDPOINT_CONNECT, "x:y", advice, sizeof advice),
                        "'x:y' does not end in a port, a number from 1 to 65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_suggests_the_nearest_word),
        cmocka_unit_test(test_text_suggests_nothing_far_off),
        cmocka_unit_test(test_text_swap_of_neighbours_counts_once),
        cmocka_unit_test(test_text_utf8_stops_at_the_first_wrong_byte),
        cmocka_unit_test(test_endpoint_splits_host_and_port),
        cmocka_unit_test(test_endpoint_names_each_mistake),
        cmocka_unit_test(test_endpoint_names_have_63_bytes_per_label_and_253_in_all),
        cmocka_unit_test(test_endpoint_advice_says_what_to_write),
    };
    return cmocka_run_group_tests_name("config_text", tests, NULL, NULL);
}
