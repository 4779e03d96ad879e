/* Names. */
#include "tests/port/port_suite.h"

static struct suite_step step;

static void expect_loopback(const struct port_resolve *resolve, uint16_t port_number)
{
    EXPECT(resolve->count >= 1 && resolve->count <= RESOLVE_ADDRESSES_MAX);
    for (uint32_t i = 0; i < resolve->count && i < RESOLVE_ADDRESSES_MAX; i++) {
        EXPECT(address_is_loopback(&resolve->addresses[i]));
        EXPECT(resolve->addresses[i].port == port_number);
        for (uint32_t j = 0; j < i; j++)
            EXPECT(!address_equal(&resolve->addresses[i], &resolve->addresses[j]));
    }
}

static enum port_status resolve(const char *host, uint16_t port_number)
{
    memset(&step, 0, sizeof(step));
    suite_resolve(&step, host, port_number);
    return suite_finish(&step);
}

static void test_resolve_localhost(void **state)
{
    (void)state;
    EXPECT(resolve("localhost", 8080) == PORT_OK);
    expect_loopback(&step.resolve, 8080);
}

static void test_resolve_unknown_name(void **state)
{
    (void)state;
    EXPECT(resolve("unknown.invalid", 80) == PORT_NOT_FOUND);
}

static void test_resolve_literal_addresses(void **state)
{
    (void)state;
    struct address expected = suite_loopback(443);
    EXPECT(resolve("127.0.0.1", 443) == PORT_OK);
    EXPECT(step.resolve.count == 1);
    EXPECT(address_equal(&step.resolve.addresses[0], &expected));
    EXPECT(resolve("::1", 443) == PORT_OK);
    EXPECT(step.resolve.count == 1);
    EXPECT(step.resolve.addresses[0].family == ADDRESS_V6);
    expect_loopback(&step.resolve, 443);
}

static void test_resolve_what_cannot_be_a_name(void **state)
{
    (void)state;
    char long_name[HOST_NAME_BYTES + 100];
    memset(long_name, 'a', sizeof(long_name));
    for (size_t i = 50; i < sizeof(long_name); i += 50)
        long_name[i] = '.';
    long_name[sizeof(long_name) - 1] = '\0';
    EXPECT(resolve(long_name, 80) == PORT_NOT_FOUND);
    long_name[HOST_NAME_BYTES] = '\0';
    EXPECT(resolve(long_name, 80) == PORT_NOT_FOUND);
    EXPECT(resolve("", 80) == PORT_NOT_FOUND);
}

static void test_resolve_many_at_once(void **state)
{
    (void)state;
    enum { MANY = 5 * RESOLVES_MAX };
    static struct suite_step steps[MANY];
    memset(steps, 0, sizeof(steps));
    for (uint16_t i = 0; i < MANY; i++)
        suite_resolve(&steps[i], i % 4 == 3 ? "127.0.0.1" : "localhost", i);
    for (uint16_t i = 0; i < MANY; i++) {
        EXPECT(suite_finish(&steps[i]) == PORT_OK);
        expect_loopback(&steps[i].resolve, i);
    }
}

static uint32_t resolves_left; /* atomic */

static void resolve_again(struct suite_step *each)
{
    EXPECT(each->op.status == PORT_OK);
    if (atomic_fetch_add_u32(&resolves_left, UINT32_MAX) > 1)
        suite_resolve(each, "localhost", 1);
}

static bool all_resolved(void *context)
{
    (void)context;
    return atomic_load_u32(&resolves_left) == 0;
}

static void test_resolve_again_on_a_worker(void **state)
{
    (void)state;
    memset(&step, 0, sizeof(step));
    resolves_left = 5;
    step.then = resolve_again;
    suite_resolve(&step, "localhost", 1);
    suite_require(all_resolved, NULL, "a chain of names");
}

int suite_run_resolve(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_resolve_localhost),         SUITE_TEST(test_resolve_unknown_name),
        SUITE_TEST(test_resolve_literal_addresses), SUITE_TEST(test_resolve_what_cannot_be_a_name),
        SUITE_TEST(test_resolve_many_at_once),      SUITE_TEST(test_resolve_again_on_a_worker),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
