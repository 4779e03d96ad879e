/* base/pool and base/memory: limits that are exact, and memory that goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"

#include <pthread.h>
#include <string.h>

/* ASan would end the program for an allocation that is too big; here NULL is what is tested. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_pool_limit_is_exact(void **state)
{
    struct pool pool;
    void *objects[5];
    (void)state;

    pool_init(&pool, 100, 5, 2);
    for (unsigned i = 0; i < 5; i++) {
        objects[i] = pool_take(&pool);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
        memset(objects[i], (int)i, 100);
        assert_int_equal(pool_taken(&pool), i + 1);
    }
    assert_null(pool_take(&pool));
    assert_int_equal(pool_taken(&pool), 5);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned at = 0; at < 100; at++)
            assert_int_equal(((unsigned char *)objects[i])[at], i);
    }
    pool_give(&pool, objects[3]);
    objects[3] = pool_take(&pool);
    assert_non_null(objects[3]);
    assert_null(pool_take(&pool));
    for (unsigned i = 0; i < 5; i++)
        pool_give(&pool, objects[i]);
    pool_destroy(&pool);
}

static void test_pool_trim_frees_what_nobody_needed(void **state)
{
    struct pool pool;
    void *objects[6];
    (void)state;

    pool_init(&pool, 100, 6, 6);
    for (unsigned i = 0; i < 6; i++)
        objects[i] = pool_take(&pool);
    for (unsigned i = 0; i < 6; i++)
        pool_give(&pool, objects[i]);
    assert_int_equal(pool.spare_count, 6);
    /* All were in use since the pool was made. */
    assert_true(pool_trim(&pool));
    assert_int_equal(pool.spare_count, 6);
    /* Two are needed, four are not. */
    objects[0] = pool_take(&pool);
    objects[1] = pool_take(&pool);
    pool_give(&pool, objects[0]);
    pool_give(&pool, objects[1]);
    assert_true(pool_trim(&pool));
    assert_int_equal(pool.spare_count, 2);
    /* Nobody needs any. */
    assert_false(pool_trim(&pool));
    assert_int_equal(pool.spare_count, 0);
    assert_false(pool_trim(&pool));
    objects[0] = pool_take(&pool);
    assert_non_null(objects[0]);
    pool_give(&pool, objects[0]);
    pool_destroy(&pool);
}

static void test_pool_obeys_a_new_limit(void **state)
{
    struct pool pool;
    (void)state;

    pool_init(&pool, 100, 1, 0);
    void *first = pool_take(&pool);
    assert_null(pool_take(&pool));
    pool_set_limit(&pool, 2);
    void *second = pool_take(&pool);
    assert_non_null(second);
    pool_set_limit(&pool, 1);
    pool_give(&pool, second);
    assert_null(pool_take(&pool));
    pool_give(&pool, first);
    pool_destroy(&pool);
}

static void test_pool_keeps_spares_and_returns_the_rest(void **state)
{
    struct pool pool;
    void *objects[4];
    (void)state;

    pool_init(&pool, 1, 4, 2);
    for (unsigned i = 0; i < 4; i++)
        objects[i] = pool_take(&pool);
    for (unsigned i = 0; i < 4; i++)
        pool_give(&pool, objects[i]);
    assert_int_equal(pool_taken(&pool), 0);
    assert_int_equal(pool.spare_count, 2);
    /* The latest comes first: it is the one still in the processor's cache. */
    void *again = pool_take(&pool);
    assert_ptr_equal(again, objects[1]);
    pool_give(&pool, again);
    pool_destroy(&pool);
}

static void test_pool_of_none_gives_none(void **state)
{
    struct pool pool;
    (void)state;

    pool_init(&pool, 8, 0, 0);
    assert_null(pool_take(&pool));
    pool_destroy(&pool);
}

static void test_pool_without_memory_keeps_its_count(void **state)
{
    struct pool pool;
    (void)state;

    pool_init(&pool, SIZE_MAX / 2, 3, 3);
    assert_null(pool_take(&pool));
    assert_int_equal(pool_taken(&pool), 0);
    pool_destroy(&pool);
}

enum { TAKERS = 4, ROUNDS = 50000, OBJECTS = 6 };

static struct pool shared;
static uint32_t in_use;
static uint32_t most_in_use;

static void *take_and_give(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    void *held[4];
    unsigned count = 0;

    for (unsigned round = 0; round < ROUNDS || count > 0; round++) {
        bool take = round < ROUNDS && count < 4 && random_next(&random) % 2 == 0;
        if (take && (held[count] = pool_take(&shared)) != NULL) {
            uint32_t now = atomic_fetch_add_u32(&in_use, 1) + 1;
            uint32_t most = atomic_load_u32(&most_in_use);
            while (now > most && !atomic_cas_u32(&most_in_use, most, now))
                most = atomic_load_u32(&most_in_use);
            memset(held[count], 1, 64);
            count++;
        } else if (!take && count > 0) {
            atomic_fetch_add_u32(&in_use, (uint32_t)-1);
            pool_give(&shared, held[--count]);
        }
    }
    return NULL;
}

static void test_pool_limit_holds_with_many_threads(void **state)
{
    pthread_t threads[TAKERS];
    (void)state;

    pool_init(&shared, 64, OBJECTS, 2);
    for (uintptr_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(most_in_use > 0 && most_in_use <= OBJECTS);
    assert_int_equal(pool_taken(&shared), 0);
    pool_destroy(&shared);
}

static void test_memory_is_zeroed_and_refuses_overflow(void **state)
{
    static const unsigned char zero[300] = {0};
    (void)state;

    unsigned char *block = memory_allocate(3, 100);
    assert_non_null(block);
    assert_memory_equal(block, zero, 300);
    memset(block, 7, 300);
    block = memory_resize(block, 400);
    assert_non_null(block);
    assert_int_equal(block[299], 7);
    block = memory_resize(block, 0);
    assert_non_null(block);
    memory_free(block);

    assert_null(memory_allocate(SIZE_MAX / 2, 3));
    void *none = memory_allocate(0, 5);
    assert_non_null(none);
    memory_free(none);
    memory_free(NULL);
    char *copy = memory_copy_string("fairlead");
    assert_string_equal(copy, "fairlead");
    memory_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_limit_is_exact),
        cmocka_unit_test(test_pool_trim_frees_what_nobody_needed),
        cmocka_unit_test(test_pool_obeys_a_new_limit),
        cmocka_unit_test(test_pool_keeps_spares_and_returns_the_rest),
        cmocka_unit_test(test_pool_of_none_gives_none),
        cmocka_unit_test(test_pool_without_memory_keeps_its_count),
        cmocka_unit_test(test_pool_limit_holds_with_many_threads),
        cmocka_unit_test(test_memory_is_zeroed_and_refuses_overflow),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
