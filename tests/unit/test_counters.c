/* stats/counters: each worker counts for itself, and the sum is exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stats/counters.h"
#include "stats/stats_block.h"
#include "support/worker_native.h"

#include <pthread.h>

enum { WORKERS = 4, ROUNDS = 20000 };

static void test_counters_add_up_over_the_workers(void **state)
{
    struct stats_scope *scope = stats_scope_create(STATS_LISTENER, "echo", NULL, WORKERS);
    (void)state;

    assert_non_null(scope);
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        worker_native_become(worker);
        stats_count(scope, STAT_BYTES_IN, worker + 1);
    }
    assert_int_equal(stats_sum(scope, STAT_BYTES_IN), 10);
    assert_int_equal(stats_sum(scope, STAT_BYTES_OUT), 0);
    stats_scope_free(scope);
}

static void test_counters_are_exact_beyond_2_to_the_53(void **state)
{
    struct stats_scope *scope = stats_scope_create(STATS_LISTENER, "echo", NULL, 1);
    (void)state;

    worker_native_become(0);
    stats_count(scope, STAT_BYTES_IN, UINT64_C(9007199254740992));
    stats_count(scope, STAT_BYTES_IN, 1);
    assert_true(stats_sum(scope, STAT_BYTES_IN) == UINT64_C(9007199254740993));
    stats_scope_free(scope);
}

struct counting {
    struct stats_scope *scope;
    uint32_t worker;
};

static void *count(void *argument)
{
    struct counting *counting = argument;

    worker_native_become(counting->worker);
    for (int i = 0; i < ROUNDS; i++) {
        stats_count(counting->scope, STAT_SESSIONS, 1);
        stats_time(counting->scope, STAT_TIME_SESSION, 5);
    }
    return NULL;
}

static void test_counters_lose_nothing_among_threads(void **state)
{
    struct stats_scope *scope = stats_scope_create(STATS_SERVER, "one", "up", WORKERS);
    struct counting counting[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t recorded = 0;
    (void)state;

    for (uint32_t i = 0; i < WORKERS; i++) {
        counting[i].scope = scope;
        counting[i].worker = i;
        assert_int_equal(pthread_create(&threads[i], NULL, count, &counting[i]), 0);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        recorded += histogram_count(&scope->blocks[i].u.numbers.times[STAT_TIME_SESSION]);
    }
    assert_int_equal(stats_sum(scope, STAT_SESSIONS), WORKERS * ROUNDS);
    assert_int_equal(recorded, WORKERS * ROUNDS);
    stats_scope_free(scope);
}

static void test_counters_of_two_workers_share_no_cache_line(void **state)
{
    struct stats_scope *scope = stats_scope_create(STATS_LISTENER, "echo", NULL, WORKERS);
    (void)state;

    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal((uintptr_t)&scope->blocks[i] % STATS_LINE_BYTES, 0);
    stats_scope_free(scope);
}

static void test_counters_have_a_name_each_within_their_group(void **state)
{
    static const int groups[][2] = {{STAT_SESSIONS, STAT_REFUSED_FIRST},
                                    {STAT_REFUSED_FIRST, STAT_REFUSED_END},
                                    {STAT_CLOSED_FIRST, STAT_CLOSED_END},
                                    {STAT_ERROR_FIRST, STAT_ERROR_END}};
    (void)state;

    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        for (int stat = groups[group][0]; stat < groups[group][1]; stat++) {
            assert_true(strlen(stat_name((enum stats_counter)stat)) > 0);
            for (int other = groups[group][0]; other < stat; other++)
                assert_string_not_equal(stat_name((enum stats_counter)stat),
                                        stat_name((enum stats_counter)other));
        }
    }
    assert_string_equal(stat_name(STAT_CLOSED_CLIENT_RESET), "client_reset");
    assert_string_equal(stat_name(STAT_BYTES_IN), "in");
}

static void test_counters_copy_the_names_of_a_scope(void **state)
{
    char name[] = "web";
    char upstream[] = "up";
    struct stats_scope *scope = stats_scope_create(STATS_SERVER, name, upstream, 1);
    (void)state;

    memset(name, 'x', 3);
    memset(upstream, 'x', 2);
    assert_string_equal(scope->name, "web");
    assert_string_equal(scope->upstream, "up");
    stats_scope_free(scope);
    stats_scope_free(NULL);
}

static void test_counters_keep_the_order_of_registration(void **state)
{
    struct stats_scope *scopes[3];
    struct stats stats;
    (void)state;

    stats_init(&stats, 1);
    for (int i = 0; i < 3; i++) {
        scopes[i] = stats_scope_create(STATS_LISTENER, "x", NULL, 1);
        stats_register(&stats, scopes[i]);
    }
    assert_ptr_equal(stats.scopes, scopes[0]);
    stats_unregister(&stats, scopes[1]);
    assert_ptr_equal(stats.scopes->next, scopes[2]);
    stats_unregister(&stats, scopes[0]);
    stats_unregister(&stats, scopes[2]);
    stats_destroy(&stats);
    for (int i = 0; i < 3; i++)
        stats_scope_free(scopes[i]);
}

static void assert_order(const struct stats *stats, const char *names)
{
    const struct stats_scope *scope = stats->scopes;

    for (; *names != '\0'; names++) {
        assert_non_null(scope);
        assert_int_equal(scope->name[0], *names);
        scope = scope->next;
    }
    assert_null(scope);
}

static void test_counters_publish_the_order_of_the_newest_configuration(void **state)
{
    struct stats_scope *a = stats_scope_create(STATS_LISTENER, "a", NULL, 1);
    struct stats_scope *b = stats_scope_create(STATS_LISTENER, "b", NULL, 1);
    struct stats_scope *u = stats_scope_create(STATS_SERVER, "u", "up", 1);
    struct stats_scope *v = stats_scope_create(STATS_SERVER, "v", "up", 1);
    struct stats_scope *w = stats_scope_create(STATS_SERVER, "w", "other", 1);
    const struct stats_listing first[] = {{a, "echo", 5, "a", NULL},
                                          {b, "proxy", 0, "b", NULL},
                                          {u, NULL, 0, "u", "up"},
                                          {w, NULL, 0, NULL, NULL}};
    const struct stats_listing second[] = {{b, "echo", 7, "B", NULL},
                                           {v, NULL, 0, "v", "UP"},
                                           {w, NULL, 0, NULL, NULL}};
    struct stats_scope *all[] = {a, b, u, v, w};
    struct stats stats;
    (void)state;

    stats_init(&stats, 1);
    stats_publish(&stats, first, 4);
    assert_order(&stats, "abuw");
    assert_int_equal(gauge_limit(&a->sessions), 5);
    stats_publish(&stats, second, 3);
    assert_order(&stats, "Bvuwa");          /* u beside the server that took its place */
    assert_string_equal(v->upstream, "UP"); /* as the configuration writes it now */
    assert_true(a->removed && u->removed);
    assert_false(b->removed || v->removed || w->removed);
    assert_string_equal(b->mode, "echo");
    assert_int_equal(gauge_limit(&b->sessions), 7);
    stats_publish(&stats, first, 4); /* back again */
    assert_order(&stats, "abuvw");
    assert_false(a->removed);
    assert_true(v->removed);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        stats_unregister(&stats, all[i]);
        stats_scope_free(all[i]);
    }
    stats_destroy(&stats);
}

static void test_counters_of_a_retired_scope_stay_in_the_sums(void **state)
{
    struct stats_scope *scope = stats_scope_create(STATS_LISTENER, "a", NULL, 2);
    struct stats stats;
    (void)state;

    stats_init(&stats, 2);
    stats_register(&stats, scope);
    worker_native_become(0);
    stats_count(scope, STAT_BYTES_IN, 3);
    worker_native_become(1);
    stats_count(scope, STAT_BYTES_IN, 4);
    stats_retire(&stats, scope);
    stats_scope_free(scope);
    assert_null(stats.scopes);
    assert_int_equal(stats.retired[STATS_LISTENER][STAT_BYTES_IN], 7);
    assert_int_equal(stats.retired[STATS_SERVER][STAT_BYTES_IN], 0);
    stats_destroy(&stats);
}

static void test_counters_remember_the_last_reload(void **state)
{
    struct stats stats;
    (void)state;

    stats_init(&stats, 1);
    assert_int_equal(stats.reload.attempts, 0);
    stats_set_reload(&stats, true, 5, "one\n");
    stats_set_reload(&stats, false, 6, "two\n");
    assert_int_equal(stats.reload.attempts, 2);
    assert_false(stats.reload.applied);
    assert_int_equal(stats.reload.at_ms, 6);
    assert_string_equal(stats.reload.text, "two\n");
    stats_destroy(&stats);
}

static void test_counters_cut_more_addresses_than_fit(void **state)
{
    struct address addresses[STATS_ADDRESSES_MAX + 1];
    struct stats_scope *scope = stats_scope_create(STATS_SERVER, "one", "up", 1);
    struct stats stats;
    (void)state;

    stats_init(&stats, 1);
    stats_register(&stats, scope);
    memset(addresses, 0, sizeof addresses);
    stats_scope_set_addresses(&stats, scope, addresses, STATS_ADDRESSES_MAX + 1);
    assert_int_equal(scope->addresses_count, STATS_ADDRESSES_MAX);
    stats_scope_set_addresses(&stats, scope, addresses, 1);
    assert_int_equal(scope->addresses_count, 1);
    stats_unregister(&stats, scope);
    stats_scope_free(scope);
    stats_destroy(&stats);
}

static void test_counters_tell_the_state(void **state)
{
    struct stats stats;
    (void)state;

    stats_init(&stats, 1);
    assert_int_equal(stats_state(&stats), STATS_STARTING);
    stats_set_state(&stats, STATS_DRAINING);
    assert_string_equal(stats_state_text(stats_state(&stats)), "draining");
    stats_destroy(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_add_up_over_the_workers),
        cmocka_unit_test(test_counters_are_exact_beyond_2_to_the_53),
        cmocka_unit_test(test_counters_lose_nothing_among_threads),
        cmocka_unit_test(test_counters_of_two_workers_share_no_cache_line),
        cmocka_unit_test(test_counters_have_a_name_each_within_their_group),
        cmocka_unit_test(test_counters_copy_the_names_of_a_scope),
        cmocka_unit_test(test_counters_keep_the_order_of_registration),
        cmocka_unit_test(test_counters_publish_the_order_of_the_newest_configuration),
        cmocka_unit_test(test_counters_of_a_retired_scope_stay_in_the_sums),
        cmocka_unit_test(test_counters_remember_the_last_reload),
        cmocka_unit_test(test_counters_cut_more_addresses_than_fit),
        cmocka_unit_test(test_counters_tell_the_state),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
