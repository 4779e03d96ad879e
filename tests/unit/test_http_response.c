/* admin/http_response: the bytes of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/http_response.h"
#include "base/memory.h"

static struct http_response ok(void)
{
    struct http_response response = {.status = 200,
                                     .content_type = "text/plain",
                                     .body = "hello",
                                     .body_size = 5,
                                     .keep_alive = true,
                                     .time_ms = UINT64_C(784111777000)};

    return response;
}

static char text[1024];

/* The answer as a string in `text`. */
static const char *print(const struct http_response *response)
{
    size_t size;
    char *bytes = http_response_print(response, &size);

    assert_non_null(bytes);
    assert_true(size < sizeof text);
    memcpy(text, bytes, size);
    text[size] = '\0';
    memory_free(bytes);
    return text;
}

/* The date is the example of RFC 9110 section 5.6.7. */
static void test_http_response_is_complete_and_protected(void **state)
{
    struct http_response response = ok();
    (void)state;

    assert_string_equal(print(&response), "HTTP/1.1 200 OK\r\n"
                                          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                          "Content-Type: text/plain\r\n"
                                          "Content-Length: 5\r\n"
                                          "Cache-Control: no-store\r\n"
                                          "X-Content-Type-Options: nosniff\r\n"
                                          "\r\n"
                                          "hello");
}

static void test_http_response_to_head_has_the_length_but_no_body(void **state)
{
    struct http_response response = ok();
    (void)state;

    response.head_only = true;
    assert_non_null(strstr(print(&response), "Content-Length: 5\r\n"));
    assert_null(strstr(text, "hello"));
}

static void test_http_response_says_whether_the_connection_stays(void **state)
{
    struct http_response response = ok();
    (void)state;

    assert_null(strstr(print(&response), "Connection:"));
    response.is_1_0 = true;
    assert_non_null(strstr(print(&response), "\r\nConnection: keep-alive\r\n"));
    response.keep_alive = false;
    assert_non_null(strstr(print(&response), "\r\nConnection: close\r\n"));
}

static void test_http_response_tells_what_is_allowed_and_how_to_authenticate(void **state)
{
    struct http_response response = ok();
    (void)state;

    response.allow = "GET, HEAD";
    response.authenticate = "Bearer";
    assert_non_null(strstr(print(&response), "\r\nAllow: GET, HEAD\r\n"));
    assert_non_null(strstr(text, "\r\nWWW-Authenticate: Bearer\r\n"));
}

static void test_http_response_dates_turn_over(void **state)
{
    struct http_response response = ok();
    (void)state;

    response.time_ms = 0;
    assert_non_null(strstr(print(&response), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    response.time_ms = UINT64_C(1709251199999); /* the last moment of a leap day */
    assert_non_null(strstr(print(&response), "Date: Thu, 29 Feb 2024 23:59:59 GMT\r\n"));
    response.time_ms = UINT64_MAX;
    print(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_response_is_complete_and_protected),
        cmocka_unit_test(test_http_response_to_head_has_the_length_but_no_body),
        cmocka_unit_test(test_http_response_says_whether_the_connection_stays),
        cmocka_unit_test(test_http_response_tells_what_is_allowed_and_how_to_authenticate),
        cmocka_unit_test(test_http_response_dates_turn_over),
    };

    return cmocka_run_group_tests_name("http_response", tests, NULL, NULL);
}
