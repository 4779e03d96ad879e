/* stats/gauge: an exact limit, also when many threads compete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "stats/gauge.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 50000, LIMIT = 3 };

static void test_gauge_refuses_exactly_beyond_the_limit(void **state)
{
    struct gauge gauge;
    (void)state;

    gauge_init(&gauge, 2);
    assert_true(gauge_raise(&gauge));
    assert_true(gauge_raise(&gauge));
    assert_false(gauge_raise(&gauge));
    assert_int_equal(gauge_current(&gauge), 2);
    gauge_lower(&gauge);
    assert_true(gauge_raise(&gauge));
    assert_int_equal(gauge_limit(&gauge), 2);
}

static void test_gauge_admits_nothing_until_it_is_below_a_new_limit(void **state)
{
    struct gauge gauge;
    (void)state;

    gauge_init(&gauge, 3);
    for (int i = 0; i < 3; i++)
        assert_true(gauge_raise(&gauge));
    gauge_set_limit(&gauge, 2);
    assert_false(gauge_raise(&gauge));
    gauge_lower(&gauge);
    assert_false(gauge_raise(&gauge));
    gauge_lower(&gauge);
    assert_true(gauge_raise(&gauge));
    gauge_set_limit(&gauge, 0);
    assert_true(gauge_raise(&gauge));
    assert_int_equal(gauge_peak(&gauge), 3);
}

static void test_gauge_without_limit_refuses_nothing(void **state)
{
    struct gauge gauge;
    (void)state;

    gauge_init(&gauge, 0);
    for (int i = 0; i < 100000; i++)
        assert_true(gauge_raise(&gauge));
    assert_int_equal(gauge_current(&gauge), 100000);
}

static void test_gauge_remembers_its_peak(void **state)
{
    struct gauge gauge;
    (void)state;

    gauge_init(&gauge, 0);
    assert_int_equal(gauge_peak(&gauge), 0);
    for (int i = 0; i < 5; i++)
        assert_true(gauge_raise(&gauge));
    for (int i = 0; i < 5; i++)
        gauge_lower(&gauge);
    assert_true(gauge_raise(&gauge));
    assert_int_equal(gauge_peak(&gauge), 5);
    assert_int_equal(gauge_current(&gauge), 1);
}

struct contest {
    struct gauge gauge;
    uint32_t inside;  /* atomic */
    uint32_t largest; /* atomic: what `inside` was at most */
};

static void *compete(void *argument)
{
    struct contest *contest = argument;

    for (int i = 0; i < ROUNDS; i++) {
        if (!gauge_raise(&contest->gauge))
            continue;
        uint32_t inside = atomic_fetch_add_u32(&contest->inside, 1) + 1;
        uint32_t largest = atomic_load_u32(&contest->largest);
        while (largest < inside && !atomic_cas_u32(&contest->largest, largest, inside))
            largest = atomic_load_u32(&contest->largest);
        atomic_fetch_add_u32(&contest->inside, UINT32_MAX);
        gauge_lower(&contest->gauge);
    }
    return NULL;
}

static void test_gauge_holds_its_limit_among_threads(void **state)
{
    struct contest contest = {.inside = 0, .largest = 0};
    pthread_t threads[THREADS];
    (void)state;

    gauge_init(&contest.gauge, LIMIT);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compete, &contest), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(contest.largest <= LIMIT);
    assert_true(gauge_peak(&contest.gauge) <= LIMIT);
    assert_true(gauge_peak(&contest.gauge) >= contest.largest);
    assert_int_equal(gauge_current(&contest.gauge), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gauge_refuses_exactly_beyond_the_limit),
        cmocka_unit_test(test_gauge_admits_nothing_until_it_is_below_a_new_limit),
        cmocka_unit_test(test_gauge_without_limit_refuses_nothing),
        cmocka_unit_test(test_gauge_remembers_its_peak),
        cmocka_unit_test(test_gauge_holds_its_limit_among_threads),
    };

    return cmocka_run_group_tests_name("gauge", tests, NULL, NULL);
}
