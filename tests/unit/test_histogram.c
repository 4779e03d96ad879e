/* stats/histogram: buckets that cover every value once, and percentiles that are never too low. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/histogram.h"

#define RANGE_END_US (UINT64_C(1) << 36)

static struct histogram *make(void)
{
    struct histogram *histogram = calloc(1, sizeof *histogram);

    assert_non_null(histogram);
    return histogram;
}

static void test_histogram_buckets_follow_each_other_without_gap(void **state)
{
    uint64_t begin = 0;
    (void)state;

    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t end = histogram_bucket_end_us(bucket);
        assert_true(end > begin);
        assert_int_equal(histogram_bucket(begin), bucket);
        assert_int_equal(histogram_bucket(end - 1), bucket);
        begin = end;
    }
    assert_true(begin == RANGE_END_US);
}

static void test_histogram_buckets_are_at_most_an_eighth_wide(void **state)
{
    (void)state;
    for (uint32_t bucket = HISTOGRAM_STEPS; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t begin = histogram_bucket_end_us(bucket - 1);
        uint64_t end = histogram_bucket_end_us(bucket);
        assert_true((end - begin) * HISTOGRAM_STEPS <= begin);
    }
}

static void test_histogram_keeps_what_is_longer_than_its_range(void **state)
{
    struct histogram *histogram = make();
    (void)state;

    histogram_record(histogram, RANGE_END_US);
    histogram_record(histogram, UINT64_MAX / 2);
    assert_int_equal(histogram->buckets[HISTOGRAM_BUCKETS - 1], 2);
    assert_int_equal(histogram_count(histogram), 2);
    assert_true(histogram_percentile_us(histogram, 50.0) == RANGE_END_US);
    free(histogram);
}

static void test_histogram_of_nothing_is_zero(void **state)
{
    struct histogram *histogram = make();
    (void)state;

    assert_int_equal(histogram_count(histogram), 0);
    assert_int_equal(histogram_percentile_us(histogram, 0.0), 0);
    assert_int_equal(histogram_percentile_us(histogram, 100.0), 0);
    free(histogram);
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* Against the sorted values themselves: the answer is above the value at that rank, and at most an eighth too high. */
static void test_histogram_percentiles_match_a_sorted_list(void **state)
{
    enum { COUNT = 5000 };
    static const double percents[] = {0.0, 0.01, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0};
    uint64_t random_state = 1;
    uint64_t *values = calloc(COUNT, sizeof *values);
    struct histogram *histogram = make();
    uint64_t sum = 0;
    (void)state;

    assert_non_null(values);
    for (int i = 0; i < COUNT; i++) {
        uint64_t bits = random_next(&random_state);
        values[i] = bits >> (28 + random_next(&random_state) % 36);
        sum += values[i];
        histogram_record(histogram, values[i]);
    }
    qsort(values, COUNT, sizeof *values, compare);
    assert_int_equal(histogram_count(histogram), COUNT);
    assert_true(histogram->sum_us == sum);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        double wanted = percents[i] * COUNT / 100.0;
        size_t rank = (size_t)wanted;
        if ((double)rank < wanted)
            rank++;
        uint64_t exact = values[rank == 0 ? 0 : rank - 1];
        uint64_t answer = histogram_percentile_us(histogram, percents[i]);
        assert_true(answer > exact);
        assert_true(answer <= exact + exact / HISTOGRAM_STEPS + 1);
    }
    free(values);
    free(histogram);
}

static void test_histogram_add_sums_buckets_and_values(void **state)
{
    struct histogram *one = make();
    struct histogram *other = make();
    (void)state;

    histogram_record(one, 5);
    histogram_record(one, 1000);
    histogram_record(other, 5);
    histogram_add(one, other);
    assert_int_equal(histogram_count(one), 3);
    assert_int_equal(one->buckets[5], 2);
    assert_int_equal(one->sum_us, 1010);
    assert_int_equal(histogram_percentile_us(one, 66.0), 6);
    histogram_record(one, 1000);
    assert_int_equal(histogram_percentile_us(one, 50.0), 6); /* two of four are enough */
    free(one);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_buckets_follow_each_other_without_gap),
        cmocka_unit_test(test_histogram_buckets_are_at_most_an_eighth_wide),
        cmocka_unit_test(test_histogram_keeps_what_is_longer_than_its_range),
        cmocka_unit_test(test_histogram_of_nothing_is_zero),
        cmocka_unit_test(test_histogram_percentiles_match_a_sorted_list),
        cmocka_unit_test(test_histogram_add_sums_buckets_and_values),
    };

    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
