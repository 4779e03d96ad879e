/* stats/snapshot: true at any moment, also while sessions come and go (SEMANTICS I4, I5, I11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "stats/snapshot.h"
#include "support/worker_native.h"

#include <pthread.h>

enum { WORKERS = 3, LIMIT = 2, SNAPSHOTS = 20000 };

/* One listener that proxies to one server. */
struct scene {
    struct stats stats;
    struct stats_scope *listener;
    struct stats_scope *server;
};

static void scene_open(struct scene *scene)
{
    stats_init(&scene->stats, WORKERS);
    scene->server = stats_scope_create(STATS_SERVER, "one", "up", WORKERS);
    scene->listener = stats_scope_create(STATS_LISTENER, "web", NULL, WORKERS);
    assert_non_null(scene->server);
    assert_non_null(scene->listener);
    scene->listener->mode = "proxy";
    stats_register(&scene->stats, scene->server);
    stats_register(&scene->stats, scene->listener);
    worker_native_become(0);
}

static void scene_close(struct scene *scene)
{
    stats_unregister(&scene->stats, scene->listener);
    stats_unregister(&scene->stats, scene->server);
    stats_scope_free(scene->listener);
    stats_scope_free(scene->server);
    stats_destroy(&scene->stats);
}

static void test_snapshot_lists_listeners_before_servers(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_int_equal(snapshot.scopes_count, 2);
    assert_string_equal(snapshot.scopes[0].name, "web");
    assert_string_equal(snapshot.scopes[1].name, "one");
    assert_string_equal(snapshot.scopes[1].upstream, "up");
    snapshot_free(&snapshot);
    scene_close(&scene);
}

static void test_snapshot_outlives_the_scopes(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    scene_close(&scene);
    assert_string_equal(snapshot.scopes[0].name, "web");
    snapshot_free(&snapshot);
}

static void test_snapshot_copies_what_reloads_changed(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_true(snapshot.reload.attempts == 0);
    assert_string_equal(snapshot.reload.text, "");
    assert_false(snapshot.scopes[0].removed);
    snapshot_free(&snapshot);

    atomic_store_u32(&scene.stats.generations_in_use, 2);
    scene.listener->removed = true;
    stats_set_reload(&scene.stats, true, 5, "one\n");
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    stats_set_reload(&scene.stats, false, 6, "two\n");
    assert_int_equal(snapshot.generations_in_use, 2);
    assert_true(snapshot.scopes[0].removed);
    assert_true(snapshot.reload.attempts == 1);
    assert_true(snapshot.reload.applied);
    assert_true(snapshot.reload.at_ms == 5);
    assert_string_equal(snapshot.reload.text, "one\n");
    snapshot_free(&snapshot);
    scene_close(&scene);
}

/* What is kept before the note that the log has more. */
static size_t reload_text_kept(struct scene *scene, const char *text)
{
    static const char more[] = "... (the log has all of it)\n";
    struct snapshot snapshot;

    stats_set_reload(&scene->stats, false, 0, text);
    assert_true(snapshot_take(&snapshot, &scene->stats, 0));
    size_t kept = strlen(snapshot.reload.text) - (sizeof more - 1);
    assert_string_equal(snapshot.reload.text + kept, more);
    assert_memory_equal(snapshot.reload.text, text, kept);
    snapshot_free(&snapshot);
    return kept;
}

/* Of lines whole ones, of one endless line whole characters; and what is cut says so. */
static void test_snapshot_cuts_the_text_of_a_reload_where_it_is_whole(void **state)
{
    enum { LINE_BYTES = 48, LONG_BYTES = 3 * STATS_RELOAD_TEXT_BYTES };
    char text[LONG_BYTES + 1];
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    for (size_t i = 0; i < LONG_BYTES; i++)
        text[i] = i % LINE_BYTES == LINE_BYTES - 1 ? '\n' : 'a';
    text[STATS_RELOAD_TEXT_BYTES - 1] = '\0';
    stats_set_reload(&scene.stats, false, 0, text);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_string_equal(snapshot.reload.text, text);
    snapshot_free(&snapshot);
    text[STATS_RELOAD_TEXT_BYTES - 1] = 'a';
    text[STATS_RELOAD_TEXT_BYTES] = '\0';
    assert_int_equal(reload_text_kept(&scene, text) % LINE_BYTES, 0);

    text[LONG_BYTES] = '\0';
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i < LONG_BYTES; i++)
            text[i] = "\xE2\x82\xAC"[(i - shift) % 3];
        assert_int_equal((reload_text_kept(&scene, text) - shift) % 3, 0);
    }
    scene_close(&scene);
}

static void test_snapshot_derives_active_and_buffered(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    for (int i = 0; i < 3; i++) {
        assert_true(gauge_raise(&scene.stats.sessions));
        assert_true(gauge_raise(&scene.listener->sessions));
        stats_count(scene.listener, STAT_SESSIONS, 1);
    }
    stats_count(scene.listener, STAT_BYTES_IN, 100);
    stats_count(scene.server, STAT_BYTES_OUT, 60);
    stats_count(scene.server, STAT_BYTES_IN, 50);
    stats_count(scene.listener, STAT_BYTES_OUT, 20);
    stats_count(scene.listener, STAT_BYTES_DISCARDED, 7);
    stats_count(scene.listener, STAT_CLOSED_FINISHED, 1);
    stats_count(scene.server, STAT_ERROR_RESOLVE, 4);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_int_equal(snapshot.scopes[0].sessions_active, 2);
    assert_int_equal(snapshot.scopes[0].sessions_peak, 3);
    assert_int_equal(snapshot.sessions_active, 2);
    assert_int_equal(snapshot.sessions_peak, 3);
    assert_int_equal(snapshot.totals[STAT_BYTES_IN], 100);
    assert_int_equal(snapshot.totals[STAT_BYTES_OUT], 20);
    assert_int_equal(snapshot.bytes_from_servers, 50);
    assert_int_equal(snapshot.bytes_to_servers, 60);
    assert_int_equal(snapshot.bytes_buffered, 100 + 50 - 60 - 20 - 7);
    assert_int_equal(snapshot.totals[STAT_ERROR_RESOLVE], 4);
    snapshot_free(&snapshot);
    scene_close(&scene);
}

static void test_snapshot_totals_keep_what_retired_scopes_counted(void **state)
{
    struct scene scene;
    struct snapshot before;
    struct snapshot after;
    (void)state;

    scene_open(&scene);
    stats_count(scene.listener, STAT_SESSIONS, 1);
    stats_count(scene.listener, STAT_BYTES_IN, 100);
    stats_count(scene.server, STAT_BYTES_OUT, 90);
    stats_count(scene.listener, STAT_BYTES_DISCARDED, 10);
    stats_count(scene.server, STAT_ERROR_RESOLVE, 4);
    stats_count(scene.listener, STAT_CLOSED_FINISHED, 1);
    assert_true(snapshot_take(&before, &scene.stats, 0));
    stats_retire(&scene.stats, scene.server);
    stats_retire(&scene.stats, scene.listener);
    assert_true(snapshot_take(&after, &scene.stats, 0));
    assert_int_equal(after.scopes_count, 0);
    assert_memory_equal(before.totals, after.totals, sizeof before.totals);
    assert_int_equal(after.bytes_to_servers, before.bytes_to_servers);
    assert_int_equal(after.bytes_buffered, 0);
    snapshot_free(&before);
    snapshot_free(&after);
    stats_register(&scene.stats, scene.server);
    stats_register(&scene.stats, scene.listener);
    scene_close(&scene);
}

static void test_snapshot_does_not_count_a_session_before_it_began(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    assert_true(gauge_raise(&scene.listener->sessions));
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_int_equal(snapshot.scopes[0].sessions_active, 0);
    assert_int_equal(snapshot.scopes[0].sessions_peak, 0);
    snapshot_free(&snapshot);
    scene_close(&scene);
}

static void test_snapshot_tells_the_uptime(void **state)
{
    struct scene scene;
    struct snapshot snapshot;
    (void)state;

    scene_open(&scene);
    scene.stats.started_us = 1000;
    assert_true(snapshot_take(&snapshot, &scene.stats, 3500));
    assert_int_equal(snapshot.uptime_us, 2500);
    snapshot_free(&snapshot);
    scene_close(&scene);
}

static void test_snapshot_of_nothing_is_empty(void **state)
{
    struct stats stats;
    struct snapshot snapshot;
    (void)state;

    stats_init(&stats, 1);
    assert_true(snapshot_take(&snapshot, &stats, 0));
    assert_int_equal(snapshot.scopes_count, 0);
    snapshot_free(&snapshot);
    stats_destroy(&stats);
}

/* --- while sessions come and go --- */

struct traffic {
    struct scene *scene;
    uint32_t worker;
    uint32_t *stop; /* atomic */
};

/* A session as the relay counts it; now and then it is refused, since there are more workers than sessions allowed. */
static void one_session(struct scene *scene)
{
    if (!gauge_raise(&scene->stats.sessions))
        return;
    if (!gauge_raise(&scene->listener->sessions)) {
        gauge_lower(&scene->stats.sessions);
        return;
    }
    stats_count(scene->listener, STAT_SESSIONS, 1);
    stats_count(scene->listener, STAT_BYTES_IN, 10);
    stats_count(scene->server, STAT_BYTES_OUT, 10);
    stats_count(scene->server, STAT_BYTES_IN, 5);
    stats_count(scene->listener, STAT_BYTES_OUT, 2);
    stats_count(scene->listener, STAT_BYTES_DISCARDED, 3);
    stats_count(scene->listener, STAT_CLOSED_FINISHED, 1);
    gauge_lower(&scene->listener->sessions);
    gauge_lower(&scene->stats.sessions);
}

static void *run_traffic(void *argument)
{
    struct traffic *traffic = argument;

    worker_native_become(traffic->worker);
    while (atomic_load_u32(traffic->stop) == 0)
        one_session(traffic->scene);
    return NULL;
}

static uint64_t closed(const uint64_t *counters)
{
    uint64_t sum = 0;

    for (int stat = STAT_CLOSED_FIRST; stat < STAT_CLOSED_END; stat++)
        sum += counters[stat];
    return sum;
}

/* Answers what is untrue, or NULL: while the threads run, no assertion may leave the test. */
static const char *find_lie(const struct snapshot *snapshot, const struct snapshot *before)
{
    const struct snapshot_scope *listener = &snapshot->scopes[0];

    if (listener->counters[STAT_SESSIONS] != listener->sessions_active + closed(listener->counters))
        return "sessions of the listener";
    if (listener->sessions_active > listener->sessions_peak || listener->sessions_peak > LIMIT)
        return "active, peak and limit of the listener";
    if (snapshot->totals[STAT_SESSIONS] != snapshot->sessions_active + closed(snapshot->totals))
        return "sessions of the server";
    if (snapshot->sessions_active > snapshot->sessions_peak || snapshot->sessions_peak > LIMIT)
        return "active, peak and limit of the server";
    /* Below 0 is far above this. Nobody holds more than one session's 15 bytes, but many sessions may pass meanwhile. */
    if (snapshot->bytes_buffered > UINT64_C(1) << 40)
        return "bytes";
    for (int stat = 0; stat < STAT_COUNT; stat++) {
        if (snapshot->totals[stat] < before->totals[stat])
            return stat_name((enum stats_counter)stat);
    }
    return NULL;
}

static void test_snapshot_is_true_at_any_moment(void **state)
{
    static struct snapshot before;
    static struct snapshot snapshot;
    struct scene scene;
    struct traffic traffic[WORKERS];
    pthread_t threads[WORKERS];
    uint32_t stop = 0;
    const char *lie = NULL;
    (void)state;

    scene_open(&scene);
    gauge_init(&scene.stats.sessions, LIMIT);
    gauge_init(&scene.listener->sessions, LIMIT);
    for (uint32_t i = 0; i < WORKERS; i++) {
        traffic[i].scene = &scene;
        traffic[i].worker = i;
        traffic[i].stop = &stop;
        assert_int_equal(pthread_create(&threads[i], NULL, run_traffic, &traffic[i]), 0);
    }
    memset(&before, 0, sizeof before);
    for (int i = 0; i < SNAPSHOTS && lie == NULL; i++) {
        lie = snapshot_take(&snapshot, &scene.stats, 0) ? find_lie(&snapshot, &before) : "out of memory";
        snapshot_free(&snapshot);
        before = snapshot;
    }
    atomic_store_u32(&stop, 1);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (lie != NULL)
        fail_msg("a snapshot was not true: %s", lie);
    assert_true(snapshot_take(&snapshot, &scene.stats, 0));
    assert_int_equal(snapshot.sessions_active, 0);
    assert_true(snapshot.bytes_buffered == 0);
    snapshot_free(&snapshot);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_lists_listeners_before_servers),
        cmocka_unit_test(test_snapshot_outlives_the_scopes),
        cmocka_unit_test(test_snapshot_copies_what_reloads_changed),
        cmocka_unit_test(test_snapshot_cuts_the_text_of_a_reload_where_it_is_whole),
        cmocka_unit_test(test_snapshot_derives_active_and_buffered),
        cmocka_unit_test(test_snapshot_totals_keep_what_retired_scopes_counted),
        cmocka_unit_test(test_snapshot_does_not_count_a_session_before_it_began),
        cmocka_unit_test(test_snapshot_tells_the_uptime),
        cmocka_unit_test(test_snapshot_of_nothing_is_empty),
        cmocka_unit_test(test_snapshot_is_true_at_any_moment),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
