/* The table of sessions per client address: an exact limit, and nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "relay/client_table.h"

enum { SEED = 7 };

static struct address client(uint32_t number, uint16_t port)
{
    struct address address;

    memset(&address, 0, sizeof address);
    address.family = ADDRESS_V6;
    address.port = port;
    memcpy(address.bytes, &number, sizeof number);
    return address;
}

static void test_client_table_refuses_exactly_beyond_the_limit(void **state)
{
    struct client_table table;
    struct address peer = client(1, 1000);

    (void)state;
    client_table_init(&table, SEED);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_ADMITTED);
    peer.port = 1001; /* another connection of the same client */
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_ADMITTED);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_OVER_LIMIT);
    client_table_lower(&table, &peer);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_ADMITTED);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_OVER_LIMIT);
    client_table_lower(&table, &peer);
    client_table_lower(&table, &peer);
    client_table_destroy(&table);
}

static void test_client_table_counts_each_address_by_itself(void **state)
{
    struct client_table table;

    (void)state;
    client_table_init(&table, SEED);
    for (uint32_t i = 0; i < 5000; i++) {
        struct address peer = client(i, 1);
        assert_int_equal(client_table_raise(&table, &peer, 1), CLIENT_ADMITTED);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        struct address peer = client(i, 2);
        assert_int_equal(client_table_raise(&table, &peer, 1), CLIENT_OVER_LIMIT);
        client_table_lower(&table, &peer);
        assert_int_equal(client_table_raise(&table, &peer, 1), CLIENT_ADMITTED);
        client_table_lower(&table, &peer);
    }
    assert_int_equal(table.entries_count, 0);
    client_table_destroy(&table);
}

static void test_client_table_agrees_with_a_plain_count(void **state)
{
    enum { CLIENTS = 50, LIMIT = 5, STEPS = 100000 };
    struct client_table table;
    uint32_t sessions[CLIENTS] = {0};
    uint64_t random = SEED;

    (void)state;
    client_table_init(&table, SEED);
    for (int step = 0; step < STEPS; step++) {
        uint64_t draw = random_next(&random);
        uint32_t number = (uint32_t)(draw % CLIENTS);
        struct address peer = client(number, (uint16_t)step);
        if ((draw >> 32) % 2 == 0 && sessions[number] > 0) {
            client_table_lower(&table, &peer);
            sessions[number]--;
        } else {
            enum client_admission expected = sessions[number] < LIMIT ? CLIENT_ADMITTED : CLIENT_OVER_LIMIT;
            assert_int_equal(client_table_raise(&table, &peer, LIMIT), expected);
            if (expected == CLIENT_ADMITTED)
                sessions[number]++;
        }
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct address peer = client(i, 0);
        while (sessions[i] > 0) {
            client_table_lower(&table, &peer);
            sessions[i]--;
        }
    }
    client_table_destroy(&table);
}

static void test_client_table_obeys_a_limit_that_changes(void **state)
{
    struct client_table table;
    struct address peer = client(1, 1);

    (void)state;
    client_table_init(&table, SEED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(client_table_raise(&table, &peer, 3), CLIENT_ADMITTED);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_OVER_LIMIT);
    client_table_lower(&table, &peer);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_OVER_LIMIT);
    client_table_lower(&table, &peer);
    assert_int_equal(client_table_raise(&table, &peer, 2), CLIENT_ADMITTED);
    assert_int_equal(client_table_raise(&table, &peer, 4), CLIENT_ADMITTED);
    for (int i = 0; i < 3; i++)
        client_table_lower(&table, &peer);
    assert_int_equal(table.entries_count, 0);
    client_table_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_table_refuses_exactly_beyond_the_limit),
        cmocka_unit_test(test_client_table_counts_each_address_by_itself),
        cmocka_unit_test(test_client_table_agrees_with_a_plain_count),
        cmocka_unit_test(test_client_table_obeys_a_limit_that_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
