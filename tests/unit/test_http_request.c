/* admin/http_request: which bytes are a request, which are refused and how; pieces never matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/http_request.h"

#define HOST "Host: 127.0.0.1\r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the verdict points into; of the text's exact size, so that the sanitizer sees every read beyond it. */
static char *copy;

static enum http_verdict parse(const char *text, struct http_request *request)
{
    size_t size = strlen(text);

    free(copy);
    copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return http_request_parse(copy, size, request);
}

static int free_copy(void **state)
{
    (void)state;
    free(copy);
    return 0;
}

static void assert_refused(const char *text, int status)
{
    struct http_request request;

    if (parse(text, &request) != HTTP_WRONG || request.status != status)
        fail_msg("expected %d, got status %d (%s) for: %s", status, request.status,
                 request.why == NULL ? "" : request.why, text);
    assert_true(strlen(request.why) > 0);
}

static void assert_text(struct http_text text, const char *expected)
{
    if (!http_text_equal(text, expected))
        fail_msg("%.*s is not %s", (int)text.size, text.bytes, expected);
}

static void test_http_request_takes_a_request_apart(void **state)
{
    static const char text[] = "GET /stats?pretty=1 HTTP/1.1\r\nHOST:\t127.0.0.1:8404 \r\n"
                               "Authorization: Bearer abc\r\nX: \xC3\xA9\r\n\r\n";
    struct http_request request;
    (void)state;

    assert_int_equal(parse(text, &request), HTTP_READY);
    assert_text(request.method, "GET");
    assert_text(request.path, "/stats");
    assert_text(request.authority, "127.0.0.1:8404");
    assert_text(request.authorization, "Bearer abc");
    assert_true(request.keep_alive);
    assert_int_equal(request.minor_version, 1);
    assert_int_equal(request.size, sizeof text - 1);
}

static void test_http_request_waits_for_the_last_byte(void **state)
{
    static const char text[] = "\r\nPOST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
    struct http_request request;
    char part[sizeof text];
    (void)state;

    for (size_t size = 0; size < sizeof text - 1; size++) {
        memcpy(part, text, size);
        part[size] = '\0';
        assert_int_equal(parse(part, &request), HTTP_MORE);
    }
    assert_int_equal(parse(text, &request), HTTP_READY);
    assert_int_equal(request.size, sizeof text - 1);
}

static void test_http_request_leaves_the_next_one_alone(void **state)
{
    static const char first[] = "GET /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx";
    static const char both[] =
        "GET /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxxGET /b HTTP/9.9\r\n\r\n";
    struct http_request request;
    (void)state;

    assert_int_equal(parse(both, &request), HTTP_READY);
    assert_text(request.path, "/a");
    assert_int_equal(request.size, sizeof first - 1);
}

static void test_http_request_refuses_what_is_malformed(void **state)
{
    static const char *const texts[] = {
        "GET /stats\r\n\r\n",
        "GET  /stats HTTP/1.1\r\n" HOST "\r\n",
        "GET /stats HTTP/1.1 \r\n" HOST "\r\n",
        " GET /stats HTTP/1.1\r\n" HOST "\r\n",
        "GET /stats HTTP/1.10\r\n" HOST "\r\n",
        "GET /stats http/1.1\r\n" HOST "\r\n",
        "GET /stats HTTX/1.1\r\n" HOST "\r\n",
        "GET\t/stats HTTP/1.1\r\n" HOST "\r\n",
        "G(T /stats HTTP/1.1\r\n" HOST "\r\n",
        "G\xC3\xA9T /stats HTTP/1.1\r\n" HOST "\r\n",
        "GET /st\xC3\xA9ts HTTP/1.1\r\n" HOST "\r\n",
        "GET /stats#top HTTP/1.1\r\n" HOST "\r\n",
        "GET stats HTTP/1.1\r\n" HOST "\r\n",
        "GET https://127.0.0.1/ HTTP/1.1\r\n" HOST "\r\n",
        "GET http:///stats HTTP/1.1\r\n" HOST "\r\n",
        "GET * HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET / HTTP/1.0\r\n" HOST HOST "\r\n",
        "GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\n: 127.0.0.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
        "GET / HTTP/1.1\n" HOST "\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: \x7F\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n\r\n",
        "\x16\x03\x01",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++)
        assert_refused(texts[i], 400);
}

static void test_http_request_refuses_a_nul(void **state)
{
    static const char in_value[] = "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
    static const char in_path[] = "GET /st\0ats HTTP/1.1\r\n" HOST "\r\n";
    struct http_request request;
    (void)state;

    assert_int_equal(http_request_parse(in_value, sizeof in_value - 1, &request), HTTP_WRONG);
    assert_int_equal(request.status, 400);
    assert_int_equal(http_request_parse(in_path, sizeof in_path - 1, &request), HTTP_WRONG);
    assert_int_equal(request.status, 400);
}

static void test_http_request_refuses_two_ways_to_tell_the_length(void **state)
{
    static const char *const lines[] = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 4 4\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    };
    char text[256];
    (void)state;

    for (size_t i = 0; i < COUNT(lines); i++) {
        strcpy(text, "GET / HTTP/1.1\r\n" HOST);
        strcat(text, lines[i]);
        strcat(text, "\r\n");
        assert_refused(text, 400);
    }
    assert_refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

static void test_http_request_names_what_it_does_not_do(void **state)
{
    (void)state;
    assert_refused("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501);
    assert_refused("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
    assert_refused("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n", 411);
    assert_refused("GET / HTTP/2.0\r\n" HOST "\r\n", 505);
    assert_refused("GET / HTTP/0.9\r\n" HOST "\r\n", 505);
    assert_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
}

static void test_http_request_takes_a_small_body_and_no_large_one(void **state)
{
    char text[256];
    struct http_request request;
    (void)state;

    snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", ADMIN_BODY_BYTES);
    assert_int_equal(parse(text, &request), HTTP_MORE);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", ADMIN_BODY_BYTES + 1);
    assert_refused(text, 413);
    assert_refused("GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413);
    assert_int_equal(parse("GET / HTTP/1.1\r\n" HOST "Content-Length: 000\r\n\r\n", &request), HTTP_READY);
}

/* Whether a client that waits for 100 sends its body after another answer cannot be known. */
static void test_http_request_is_the_last_one_when_the_client_waits_to_be_asked(void **state)
{
    static const char head[] = "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    struct http_request request;
    (void)state;

    assert_int_equal(parse(head, &request), HTTP_READY);
    assert_false(request.keep_alive);
    assert_int_equal(request.size, sizeof head - 1);
}

static void test_http_request_decides_about_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "connection: TE , Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n" HOST "\r\n", false},
        {"GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n" HOST "Connection: keep-alive, close\r\n\r\n", false},
    };
    struct http_request request;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].text, &request), HTTP_READY);
        assert_int_equal(request.keep_alive, cases[i].keep_alive);
    }
}

static void test_http_request_knows_every_form_of_target(void **state)
{
    static const struct {
        const char *text;
        const char *path;
        const char *authority;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", "/", "127.0.0.1"},
        {"GET /? HTTP/1.1\r\n" HOST "\r\n", "/", "127.0.0.1"},
        {"GET /a/%2e%2e/b?c?d HTTP/1.1\r\n" HOST "\r\n", "/a/%2e%2e/b", "127.0.0.1"},
        {"GET http://evil.example/stats HTTP/1.1\r\n" HOST "\r\n", "/stats", "evil.example"},
        {"GET HTTP://[::1]:80?q HTTP/1.1\r\n" HOST "\r\n", "/", "[::1]:80"},
        {"GET http://a.example HTTP/1.1\r\n" HOST "\r\n", "/", "a.example"},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "*", "127.0.0.1"},
        {"CONNECT a.example:80 HTTP/1.1\r\n" HOST "\r\n", "a.example:80", "127.0.0.1"},
        {"GET / HTTP/1.0\r\n\r\n", "/", ""},
    };
    struct http_request request;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].text, &request), HTTP_READY);
        assert_text(request.path, cases[i].path);
        assert_text(request.authority, cases[i].authority);
    }
}

/* `line` is repeated until the head is longer than allowed, or `count` times. */
static enum http_verdict parse_long(const char *start, const char *line, size_t count,
                                    struct http_request *request)
{
    size_t size = strlen(start) + strlen(line) * count + 2;
    char *text = malloc(size + 1);

    assert_non_null(text);
    strcpy(text, start);
    char *end = text + strlen(start);
    for (size_t i = 0; i < count; i++)
        end = (char *)memcpy(end, line, strlen(line)) + strlen(line);
    strcpy(end, "\r\n");
    enum http_verdict verdict = http_request_parse(text, size, request);
    free(text);
    return verdict;
}

static void test_http_request_limits_the_head(void **state)
{
    struct http_request request;
    (void)state;

    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST, "A: b\r\n", ADMIN_HEADERS_MAX - 1, &request),
                     HTTP_READY);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST, "A: b\r\n", ADMIN_HEADERS_MAX, &request),
                     HTTP_WRONG);
    assert_int_equal(request.status, 431);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\n" HOST "A: ", "b", ADMIN_REQUEST_BYTES, &request),
                     HTTP_WRONG);
    assert_int_equal(request.status, 431);
    assert_int_equal(parse_long("GET /", "b", ADMIN_REQUEST_BYTES, &request), HTTP_WRONG);
    assert_int_equal(request.status, 414);
    assert_int_equal(parse_long("", "\r\n", ADMIN_REQUEST_BYTES, &request), HTTP_WRONG);
}

/* So that a full buffer never waits for more. */
static void test_http_request_has_an_answer_when_the_buffer_is_full(void **state)
{
    static char bytes[HTTP_REQUEST_BYTES_MAX];
    char head[128];
    struct http_request request;
    (void)state;

    memset(bytes, 'x', sizeof bytes);
    assert_int_not_equal(http_request_parse(bytes, sizeof bytes, &request), HTTP_MORE);

    /* The longest head and the longest body fit exactly. */
    int length = snprintf(head, sizeof head, "\r\n" HOST "Content-Length: %d\r\n\r\n", ADMIN_BODY_BYTES);
    static const char start[] = "GET / HTTP/1.1\r\nX: ";
    memcpy(bytes, start, sizeof start - 1);
    memcpy(bytes + ADMIN_REQUEST_BYTES - length, head, (size_t)length);
    assert_int_equal(http_request_parse(bytes, sizeof bytes - 1, &request), HTTP_MORE);
    assert_int_equal(http_request_parse(bytes, sizeof bytes, &request), HTTP_READY);
    assert_int_equal(request.size, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_request_takes_a_request_apart),
        cmocka_unit_test(test_http_request_waits_for_the_last_byte),
        cmocka_unit_test(test_http_request_leaves_the_next_one_alone),
        cmocka_unit_test(test_http_request_refuses_what_is_malformed),
        cmocka_unit_test(test_http_request_refuses_a_nul),
        cmocka_unit_test(test_http_request_refuses_two_ways_to_tell_the_length),
        cmocka_unit_test(test_http_request_names_what_it_does_not_do),
        cmocka_unit_test(test_http_request_takes_a_small_body_and_no_large_one),
        cmocka_unit_test(test_http_request_is_the_last_one_when_the_client_waits_to_be_asked),
        cmocka_unit_test(test_http_request_decides_about_keep_alive),
        cmocka_unit_test(test_http_request_knows_every_form_of_target),
        cmocka_unit_test(test_http_request_limits_the_head),
        cmocka_unit_test(test_http_request_has_an_answer_when_the_buffer_is_full),
    };

    return cmocka_run_group_tests_name("http_request", tests, NULL, free_copy);
}
