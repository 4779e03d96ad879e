/* bench/latency: percentiles that are never too low, at most 0.8% too high, and never above the largest value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "bench/latency.h"

enum { VALUES = 20000 };

static struct latency *make(void)
{
    struct latency *latency = calloc(1, sizeof *latency);

    assert_non_null(latency);
    return latency;
}

static void test_latency_of_nothing_is_zero(void **state)
{
    struct latency *none = make();
    (void)state;

    assert_true(latency_percentile_ns(none, 50) == 0);
    assert_true(latency_percentile_ns(none, 99.9) == 0);
    free(none);
}

static void test_latency_of_one_value_is_that_value(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < UINT64_C(1) << 45; value += value / 3 + 1) {
        struct latency *one = make();
        latency_record(one, value);
        assert_true(latency_percentile_ns(one, 50) == value);
        assert_true(latency_percentile_ns(one, 99.9) == value);
        assert_true(one->count == 1 && one->sum_ns == value && one->max_ns == value);
        free(one);
    }
}

static int compare(const void *left, const void *right)
{
    const uint64_t *one = left, *other = right;

    return (*one > *other) - (*one < *other);
}

static void test_latency_percentiles_match_a_sorted_list(void **state)
{
    static const double PERCENTS[] = {1, 10, 50, 90, 99, 99.9, 100};
    static uint64_t values[VALUES];
    struct latency *latency = make();
    uint64_t random = 1;
    (void)state;

    for (int i = 0; i < VALUES; i++) {
        /* From nanoseconds to a minute, each order of magnitude as often as the others. */
        values[i] = random_next(&random) >> (28 + random_next(&random) % 36);
        latency_record(latency, values[i]);
    }
    qsort(values, VALUES, sizeof values[0], compare);
    for (size_t i = 0; i < sizeof PERCENTS / sizeof PERCENTS[0]; i++) {
        uint64_t exact = values[(size_t)((double)VALUES * PERCENTS[i] / 100 + 0.5) - 1];
        uint64_t answer = latency_percentile_ns(latency, PERCENTS[i]);
        assert_true(answer >= exact);
        assert_true((double)answer <= (double)exact * 1.008);
    }
    free(latency);
}

static void test_latency_beyond_the_range_is_the_largest(void **state)
{
    struct latency *latency = make();
    (void)state;

    latency_record(latency, 5);
    latency_record(latency, UINT64_C(1) << 50);
    assert_true(latency_percentile_ns(latency, 50) == 5);
    assert_true(latency_percentile_ns(latency, 99) == UINT64_C(1) << 50);
    free(latency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency_of_nothing_is_zero),
        cmocka_unit_test(test_latency_of_one_value_is_that_value),
        cmocka_unit_test(test_latency_percentiles_match_a_sorted_list),
        cmocka_unit_test(test_latency_beyond_the_range_is_the_largest),
    };

    return cmocka_run_group_tests_name("bench_latency", tests, NULL, NULL);
}
