/* admin/http_host: no name that somebody else can point at us is served (SEMANTICS H2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/http_host.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address bound(const char *host)
{
    struct address address;

    assert_true(address_parse_host(host, &address));
    address.port = 8404;
    return address;
}

static void assert_verdict(const char *host, const char *authority, enum http_host_verdict expected)
{
    struct address local = bound(host);
    struct http_text text = {authority, strlen(authority)};
    enum http_host_verdict verdict = http_host_check(text, &local);

    if (verdict != expected)
        fail_msg("bound to %s, Host %s: %d instead of %d", host, authority, (int)verdict, (int)expected);
}

static void test_http_host_serves_loopback_by_its_names(void **state)
{
    static const char *const names[] = {"127.0.0.1", "localhost",         "LocalHost",
                                        "[::1]",     "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"};
    char with_port[64];
    (void)state;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_verdict("127.0.0.1", names[i], HTTP_HOST_OURS);
        assert_verdict("::1", names[i], HTTP_HOST_OURS);
        strcpy(with_port, names[i]);
        strcat(with_port, ":8404");
        assert_verdict("127.0.0.1", with_port, HTTP_HOST_OURS);
        strcpy(with_port, names[i]);
        strcat(with_port, ":9000"); /* through a tunnel */
        assert_verdict("127.0.0.1", with_port, HTTP_HOST_OURS);
    }
    assert_verdict("127.0.0.1", "localhost:", HTTP_HOST_OURS);
}

static void test_http_host_refuses_names(void **state)
{
    static const char *const names[] = {
        "evil.example",
        "evil.example:8404",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.2",
        "10.0.0.1",
        "[::2]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.01",
        "[::ffff:1.2.3.4]",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(names); i++)
        assert_verdict("127.0.0.1", names[i], HTTP_HOST_FOREIGN);
}

static void test_http_host_refuses_what_is_no_host(void **state)
{
    static const char *const names[] = {
        "",
        ":8404",
        "evil@127.0.0.1",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:123456",
        "::1",
        "[::1",
        "[::1]x",
        "[127.0.0.1]",
        "[]",
        "[",
        "a b",
        "127.0.0.1:8404:1",
        "localhost/",
        "localhost,evil",
        "[localhost]",
        "127.0.0.1:-1",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_verdict("127.0.0.1", names[i], HTTP_HOST_MALFORMED);
        assert_verdict("0.0.0.0", names[i], HTTP_HOST_MALFORMED);
    }
}

static void test_http_host_serves_the_address_it_is_bound_to(void **state)
{
    (void)state;
    assert_verdict("10.1.2.3", "10.1.2.3:8404", HTTP_HOST_OURS);
    assert_verdict("10.1.2.3", "10.1.2.3", HTTP_HOST_OURS);
    assert_verdict("10.1.2.3", "[::ffff:10.1.2.3]", HTTP_HOST_OURS);
    assert_verdict("10.1.2.3", "10.1.2.4", HTTP_HOST_FOREIGN);
    assert_verdict("fe80::1%3", "[fe80::1]:8404", HTTP_HOST_OURS);
    assert_verdict("fe80::1%3", "[fe80::1%3]", HTTP_HOST_OURS);
    assert_verdict("10.1.2.3", "server.example", HTTP_HOST_FOREIGN);
}

static void test_http_host_serves_every_address_when_bound_to_any(void **state)
{
    static const char *const any[] = {"0.0.0.0", "::"};
    (void)state;

    for (size_t i = 0; i < COUNT(any); i++) {
        assert_verdict(any[i], "192.0.2.7:8404", HTTP_HOST_OURS);
        assert_verdict(any[i], "[2001:db8::7]", HTTP_HOST_OURS);
        assert_verdict(any[i], "localhost", HTTP_HOST_OURS);
        assert_verdict(any[i], "evil.example", HTTP_HOST_FOREIGN);
        assert_verdict(any[i], "192.0.2.7.evil.example", HTTP_HOST_FOREIGN);
    }
}

static void test_http_host_survives_a_long_name(void **state)
{
    char name[400];
    (void)state;

    for (size_t size = 1; size < sizeof name; size++) {
        memset(name, 'a', size);
        name[size] = '\0';
        assert_verdict("127.0.0.1", name, HTTP_HOST_FOREIGN);
        name[0] = '[';
        assert_verdict("127.0.0.1", name, HTTP_HOST_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_host_serves_loopback_by_its_names),
        cmocka_unit_test(test_http_host_refuses_names),
        cmocka_unit_test(test_http_host_refuses_what_is_no_host),
        cmocka_unit_test(test_http_host_serves_the_address_it_is_bound_to),
        cmocka_unit_test(test_http_host_serves_every_address_when_bound_to_any),
        cmocka_unit_test(test_http_host_survives_a_long_name),
    };

    return cmocka_run_group_tests_name("http_host", tests, NULL, NULL);
}
