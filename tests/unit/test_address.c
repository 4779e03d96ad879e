/* base/address: reading, writing and asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/random.h"

#include <string.h>

static struct address parsed(const char *text)
{
    struct address address;

    memset(&address, 0xa5, sizeof address);
    if (!address_parse_host(text, &address))
        fail_msg("\"%s\" is refused", text);
    return address;
}

static void test_address_reads_and_writes_what_rfc_5952_says(void **state)
{
    static const char *const pairs[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"127.0.0.1", "127.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"2001:0DB8::0001", "2001:db8::1"},
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"::FFFF:0102:0304", "::ffff:1.2.3.4"},
        {"0:0:0:0:0:ffff:10.0.0.255", "::ffff:10.0.0.255"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::1.2.3.4", "::102:304"},
        {"fe80::1%3", "fe80::1%3"},
        {"fe80::1%4294967295", "fe80::1%4294967295"},
        {"fe80::1%0", "fe80::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct address address = parsed(pairs[i][0]);
        char text[ADDRESS_TEXT_BYTES];
        assert_string_equal(address_format_host(&address, text, sizeof text), pairs[i][1]);
        assert_int_equal(address.port, 0);
        assert_int_equal(address.reserved, 0);
    }
}

static void test_address_refuses_what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "localhost",
        "1",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "01.2.3.4",
        "00.0.0.0",
        "0x7f.0.0.1",
        "127.1",
        "2130706433",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.-4",
        "1.2.3.+4",
        "1..3.4",
        "1.2.3.4%1",
        "1.2.3.4:80",
        "1.2.3.99999999999999999999",
        ":",
        ":::",
        "::1::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7",
        "12345::",
        "g::",
        "::g",
        "::1%",
        "::1%a",
        "::1%01",
        "::1%4294967296",
        "::1%-1",
        "::1% 1",
        "[::1]",
        "::ffff:1.2.3",
        "::ffff:1.2.3.4.5",
        "::ffff:1.2.3.4:5",
        "::ffff:01.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:1",
        "1.2.3.4::",
        "::1 ",
        "fe80::1%eth0",
        "::\xc3\xa4",
    };
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct address before;
        memset(&before, 0x5a, sizeof before);
        struct address address = before;
        if (address_parse_host(texts[i], &address))
            fail_msg("\"%s\" is taken", texts[i]);
        assert_memory_equal(&address, &before, sizeof address);
    }
}

static void test_address_is_written_with_its_port(void **state)
{
    char text[ADDRESS_TEXT_BYTES];
    (void)state;

    struct address address = parsed("10.1.2.3");
    address.port = 80;
    assert_string_equal(address_format(&address, text, sizeof text), "10.1.2.3:80");
    address = parsed("fe80::1%3");
    address.port = 65535;
    assert_string_equal(address_format(&address, text, sizeof text), "[fe80::1%3]:65535");
    address = parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295");
    address.port = 65535;
    assert_string_equal(address_format(&address, text, sizeof text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
    address = (struct address){0};
    assert_string_equal(address_format(&address, text, sizeof text), "-");
    address = parsed("10.1.2.3");
    assert_string_equal(address_format(&address, text, 6), "10.1.");
    assert_string_equal(address_format(&address, text, 1), "");
}

static void test_address_round_trips(void **state)
{
    uint64_t random = 5952;
    (void)state;

    for (unsigned round = 0; round < 20000; round++) {
        struct address address = {0};
        bool v6 = round % 2 == 0;
        address.family = (uint8_t)(v6 ? ADDRESS_V6 : ADDRESS_V4);
        /* Zero groups must be frequent, or no run would ever be seen. */
        uint64_t zero_groups = random_next(&random);
        for (unsigned i = 0; i < (v6 ? 16U : 4U); i++) {
            bool zero = v6 && (zero_groups >> (i / 2) & 1) != 0;
            address.bytes[i] = zero ? 0 : (uint8_t)random_next(&random);
        }
        if (v6 && random_next(&random) % 4 == 0)
            address.scope = (uint32_t)random_next(&random);
        char text[ADDRESS_TEXT_BYTES];
        struct address again = parsed(address_format_host(&address, text, sizeof text));
        assert_true(address_equal(&address, &again));
    }
}

/* Whatever the bytes are, reading ends within them (ASan watches) and what is taken can be written and read
 * again. */
static void test_address_reads_garbage_safely(void **state)
{
    uint64_t random = 7;
    unsigned taken = 0;
    (void)state;

    for (unsigned round = 0; round < 200000; round++) {
        char text[ADDRESS_TEXT_BYTES];
        unsigned length = (unsigned)(random_next(&random) % 12);
        for (unsigned i = 0; i < length; i++)
            text[i] = "0123:::.%f"[random_next(&random) % 10];
        text[length] = '\0';
        struct address address;
        if (!address_parse_host(text, &address))
            continue;
        taken++;
        struct address again = parsed(address_format_host(&address, text, sizeof text));
        assert_true(address_equal(&address, &again));
    }
    assert_true(taken > 100);
}

static void test_address_mapped_becomes_v4(void **state)
{
    (void)state;

    struct address address = parsed("::ffff:10.0.0.1");
    address.port = 99;
    address_unmap(&address);
    struct address v4 = parsed("10.0.0.1");
    assert_true(address_equal_host(&address, &v4));
    assert_false(address_equal(&address, &v4));
    v4.port = 99;
    assert_true(address_equal(&address, &v4));

    address = parsed("::10.0.0.1");
    struct address same = address;
    address_unmap(&address);
    assert_true(address_equal(&address, &same));
}

static void test_address_equality_sees_every_part(void **state)
{
    (void)state;

    struct address a = parsed("fe80::1%3");
    struct address b = parsed("fe80::1%4");
    assert_false(address_equal_host(&a, &b));
    b = parsed("fe80::2%3");
    assert_false(address_equal_host(&a, &b));
    a = parsed("0.0.0.0");
    b = parsed("::");
    assert_false(address_equal_host(&a, &b));
    b = parsed("0.0.0.0");
    assert_true(address_equal(&a, &b));
    b.port = 1;
    assert_true(address_equal_host(&a, &b));
    assert_false(address_equal(&a, &b));
}

static void test_address_knows_loopback_and_any(void **state)
{
    static const char *const loopback[] = {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"};
    static const char *const not_loopback[] = {
        "126.255.255.255", "128.0.0.1",   "0.0.0.0", "::",        "::2", "1::1",
        "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "10.127.0.1"};
    struct address address;
    (void)state;

    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        address = parsed(loopback[i]);
        assert_true(address_is_loopback(&address));
        assert_false(address_is_any(&address));
    }
    for (size_t i = 0; i < sizeof not_loopback / sizeof not_loopback[0]; i++) {
        address = parsed(not_loopback[i]);
        assert_false(address_is_loopback(&address));
    }
    address = parsed("::");
    assert_true(address_is_any(&address));
    address = parsed("0.0.0.0");
    assert_true(address_is_any(&address));
    address = (struct address){0};
    assert_false(address_is_any(&address));
    assert_false(address_is_loopback(&address));
}

static void test_address_overlaps_where_two_sockets_cannot_listen(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool overlaps;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true}, {"127.0.0.1", "127.0.0.2", false}, {"0.0.0.0", "127.0.0.1", true},
        {"::", "127.0.0.1", true},        {"::", "0.0.0.0", true},           {"0.0.0.0", "::1", false},
        {"::1", "127.0.0.1", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address a = parsed(cases[i].a);
        struct address b = parsed(cases[i].b);
        assert_int_equal(address_overlaps(&a, &b), cases[i].overlaps);
        assert_int_equal(address_overlaps(&b, &a), cases[i].overlaps);
        b.port = 81;
        assert_false(address_overlaps(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_reads_and_writes_what_rfc_5952_says),
        cmocka_unit_test(test_address_refuses_what_is_none),
        cmocka_unit_test(test_address_is_written_with_its_port),
        cmocka_unit_test(test_address_round_trips),
        cmocka_unit_test(test_address_reads_garbage_safely),
        cmocka_unit_test(test_address_mapped_becomes_v4),
        cmocka_unit_test(test_address_equality_sees_every_part),
        cmocka_unit_test(test_address_knows_loopback_and_any),
        cmocka_unit_test(test_address_overlaps_where_two_sockets_cannot_listen),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
