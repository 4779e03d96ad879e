/* base/atomic and base/random: the semantics that the rest is built on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/random.h"

#include <pthread.h>

static void test_atomic_operations_answer_the_value_before(void **state)
{
    uint32_t word = 5;
    uint64_t wide = UINT64_C(1) << 40;
    (void)state;

    assert_int_equal(atomic_fetch_add_u32(&word, 2), 5);
    assert_int_equal(atomic_fetch_add_u32(&word, (uint32_t)-1), 7);
    assert_int_equal(atomic_fetch_or_u32(&word, 0x80000000U), 6);
    assert_int_equal(atomic_exchange_u32(&word, 9), 0x80000006U);
    assert_int_equal(atomic_load_u32(&word), 9);
    assert_int_equal(atomic_fetch_add_u64(&wide, (uint64_t)-1), UINT64_C(1) << 40);
    assert_int_equal(atomic_load_u64(&wide), (UINT64_C(1) << 40) - 1);
    atomic_store_u32(&word, 1);
    atomic_store_u64(&wide, UINT64_MAX);
    assert_int_equal(word, 1);
    assert_int_equal(wide, UINT64_MAX);
    atomic_pause();
}

static void test_atomic_compare_and_swap_needs_the_expected_value(void **state)
{
    uint32_t word = 5;
    uint64_t wide = 5;
    (void)state;

    assert_false(atomic_cas_u32(&word, 4, 6));
    assert_int_equal(word, 5);
    assert_true(atomic_cas_u32(&word, 5, 6));
    assert_int_equal(word, 6);
    assert_false(atomic_cas_u64(&wide, 4, 6));
    assert_int_equal(wide, 5);
    assert_true(atomic_cas_u64(&wide, 5, UINT64_MAX));
    assert_int_equal(wide, UINT64_MAX);
}

enum { THREADS = 4, ROUNDS = 50000 };

static uint32_t added;
static uint64_t added_wide;
static uint64_t swapped;

static void *count(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        atomic_fetch_add_u32(&added, 1);
        atomic_fetch_add_u64(&added_wide, UINT64_C(1) << 33);
        uint64_t seen = atomic_load_u64(&swapped);
        while (!atomic_cas_u64(&swapped, seen, seen + 1))
            seen = atomic_load_u64(&swapped);
    }
    return NULL;
}

static void test_atomic_additions_of_many_threads_are_all_there(void **state)
{
    pthread_t threads[THREADS];
    (void)state;

    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(added, THREADS * ROUNDS);
    assert_int_equal(added_wide, (uint64_t)THREADS * ROUNDS << 33);
    assert_int_equal(swapped, THREADS * ROUNDS);
}

/* The first values of splitmix64 for seed 1234567, as its author's program prints them. */
static void test_random_is_splitmix64(void **state)
{
    uint64_t random = 1234567;
    (void)state;

    assert_int_equal(random_next(&random), UINT64_C(6457827717110365317));
    assert_int_equal(random_next(&random), UINT64_C(3203168211198807973));
    assert_int_equal(random_next(&random), UINT64_C(9817491932198370423));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_atomic_operations_answer_the_value_before),
        cmocka_unit_test(test_atomic_compare_and_swap_needs_the_expected_value),
        cmocka_unit_test(test_atomic_additions_of_many_threads_are_all_there),
        cmocka_unit_test(test_random_is_splitmix64),
    };
    return cmocka_run_group_tests_name("atomic", tests, NULL, NULL);
}
