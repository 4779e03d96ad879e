/* stats/snapshot_json: exact, well-formed whatever the names hold, and nothing left behind when memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/memory.h"
#include "stats/json.h"
#include "stats/snapshot_json.h"

/* A snapshot by hand: plain data, nothing in it is freed. */
struct scene {
    struct snapshot snapshot;
    struct snapshot_scope scopes[4];
};

static void add_scope(struct scene *scene, enum stats_scope_kind kind, const char *name, const char *upstream)
{
    struct snapshot_scope *scope = &scene->scopes[scene->snapshot.scopes_count++];

    scope->kind = kind;
    scope->name = (char *)(uintptr_t)name;
    scope->upstream = (char *)(uintptr_t)upstream;
    scope->mode = "echo";
}

static int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    if (scene == NULL)
        return -1;
    scene->snapshot.scopes = scene->scopes;
    scene->snapshot.config_file = "server.ini";
    scene->snapshot.state = STATS_SERVING;
    *state = scene;
    json_start();
    return 0;
}

static int scene_close(void **state)
{
    free(*state);
    return 0;
}

/* Printed, checked for its length, and read back; the text stays in `printed`. */
static char *printed;

static cJSON *print(const struct scene *scene)
{
    size_t bytes;

    memory_free(printed);
    printed = snapshot_json_print(&scene->snapshot, &bytes);
    assert_non_null(printed);
    assert_int_equal(strlen(printed), bytes);
    cJSON *root = cJSON_ParseWithOpts(printed, NULL, 1);
    assert_non_null(root);
    return root;
}

static int free_printed(void **state)
{
    (void)state;
    memory_free(printed);
    return 0;
}

/* "listeners/0/name" */
static const cJSON *find(const cJSON *root, const char *path)
{
    const cJSON *item = root;

    while (item != NULL && *path != '\0') {
        char key[64] = "";
        size_t size = strcspn(path, "/");
        memcpy(key, path, size);
        path += size + (path[size] == '/' ? 1 : 0);
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(key))
                                   : cJSON_GetObjectItemCaseSensitive(item, key);
    }
    if (item == NULL)
        fail_msg("not found, what remains is %s", path);
    return item;
}

static void assert_value(const cJSON *root, const char *path, const char *expected)
{
    const char *value = cJSON_GetStringValue(find(root, path));

    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void test_snapshot_json_is_exact_beyond_2_to_the_53(void **state)
{
    struct scene *scene = *state;

    add_scope(scene, STATS_LISTENER, "echo", NULL);
    scene->scopes[0].counters[STAT_BYTES_IN] = UINT64_C(9007199254740993);
    scene->snapshot.totals[STAT_BYTES_OUT] = UINT64_MAX;
    cJSON_Delete(print(scene));
    assert_non_null(strstr(printed, "\"in\":9007199254740993,"));
    assert_non_null(strstr(printed, "\"out\":18446744073709551615,"));
}

static void test_snapshot_json_escapes_names(void **state)
{
    static const char name[] = "a\"b\\c\n\x01 \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 </script>";
    struct scene *scene = *state;

    add_scope(scene, STATS_LISTENER, name, NULL);
    cJSON *root = print(scene);
    assert_value(root, "listeners/0/name", name);
    cJSON_Delete(root);
}

/* The path of the configuration comes from the system, which knows other encodings. */
static void test_snapshot_json_replaces_what_is_no_utf8(void **state)
{
    static const struct {
        const char *file;
        const char *expected;
    } cases[] = {
        {"M\xFCller", "M\xEF\xBF\xBDller"},
        {"\xC3", "\xEF\xBF\xBD"},
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE0\x80\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xF8\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\x80 \xFF", "\xEF\xBF\xBD \xEF\xBF\xBD"},
        {"\xC3\xBC \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF",
         "\xC3\xBC \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene->snapshot.config_file = cases[i].file;
        cJSON *root = print(scene);
        assert_value(root, "server/config_file", cases[i].expected);
        cJSON_Delete(root);
    }
}

static void test_snapshot_json_tells_no_limit_as_null(void **state)
{
    struct scene *scene = *state;

    add_scope(scene, STATS_LISTENER, "echo", NULL);
    scene->snapshot.sessions_limit = 7;
    cJSON *root = print(scene);
    assert_true(cJSON_IsNull(find(root, "listeners/0/sessions/limit")));
    assert_true(find(root, "totals/sessions/limit")->valuedouble == 7);
    cJSON_Delete(root);
}

static void test_snapshot_json_groups_servers_by_upstream(void **state)
{
    struct scene *scene = *state;

    add_scope(scene, STATS_LISTENER, "web", NULL);
    add_scope(scene, STATS_SERVER, "one", "up");
    add_scope(scene, STATS_SERVER, "two", "up");
    add_scope(scene, STATS_SERVER, "one", "other");
    cJSON *root = print(scene);
    assert_int_equal(cJSON_GetArraySize(find(root, "listeners")), 1);
    assert_int_equal(cJSON_GetArraySize(find(root, "upstreams")), 2);
    assert_value(root, "upstreams/0/name", "up");
    assert_value(root, "upstreams/0/servers/1/name", "two");
    assert_value(root, "upstreams/1/name", "other");
    assert_int_equal(cJSON_GetArraySize(find(root, "upstreams/1/servers")), 1);
    cJSON_Delete(root);
}

static void test_snapshot_json_prints_times_and_addresses(void **state)
{
    struct scene *scene = *state;

    add_scope(scene, STATS_SERVER, "one", "up");
    histogram_record(&scene->scopes[0].times[STAT_TIME_CONNECT], 5);
    histogram_record(&scene->scopes[0].times[STAT_TIME_CONNECT], 7);
    assert_true(address_parse_host("::1", &scene->scopes[0].addresses[0]));
    scene->scopes[0].addresses[0].port = 80;
    scene->scopes[0].addresses_count = 1;
    cJSON *root = print(scene);
    const cJSON *times = find(root, "upstreams/0/servers/0/connect_time_us");
    assert_true(find(times, "count")->valuedouble == 2);
    assert_true(find(times, "sum")->valuedouble == 12);
    assert_true(find(times, "p50")->valuedouble == 6);
    assert_true(find(times, "max")->valuedouble == 8);
    assert_value(root, "upstreams/0/servers/0/addresses/0", "[::1]:80");
    cJSON_Delete(root);
}

static void test_snapshot_json_tells_time(void **state)
{
    struct scene *scene = *state;

    scene->snapshot.started_at_ms = UINT64_C(1795467912345);
    scene->snapshot.uptime_us = 61005999;
    cJSON *root = print(scene);
    assert_value(root, "server/started_at", "2026-11-23T21:05:12.345Z");
    assert_true(find(root, "server/uptime_seconds")->valuedouble == 61.005);
    assert_value(root, "server/state", "serving");
    cJSON_Delete(root);
}

static void test_snapshot_json_tells_of_the_last_reload(void **state)
{
    struct scene *scene = *state;

    scene->snapshot.config_generation = 3;
    scene->snapshot.generations_in_use = 2;
    cJSON *root = print(scene);
    assert_true(find(root, "server/config_generation")->valuedouble == 3);
    assert_true(find(root, "server/config_generations_in_use")->valuedouble == 2);
    assert_true(find(root, "server/reload/attempts")->valuedouble == 0);
    assert_true(cJSON_IsNull(find(root, "server/reload/applied")));
    assert_true(cJSON_IsNull(find(root, "server/reload/at")));
    assert_value(root, "server/reload/text", "");
    cJSON_Delete(root);

    scene->snapshot.reload.attempts = 4;
    scene->snapshot.reload.at_ms = UINT64_C(1795467912345);
    memcpy(scene->snapshot.reload.text, "a\nb\n", sizeof "a\nb\n");
    root = print(scene);
    assert_true(cJSON_IsFalse(find(root, "server/reload/applied")));
    assert_value(root, "server/reload/at", "2026-11-23T21:05:12.345Z");
    assert_value(root, "server/reload/text", "a\nb\n");
    cJSON_Delete(root);

    scene->snapshot.reload.applied = true;
    root = print(scene);
    assert_true(cJSON_IsTrue(find(root, "server/reload/applied")));
    cJSON_Delete(root);
}

static void test_snapshot_json_tells_listeners_that_were_removed(void **state)
{
    struct scene *scene = *state;

    add_scope(scene, STATS_LISTENER, "web", NULL);
    add_scope(scene, STATS_LISTENER, "old", NULL);
    scene->scopes[1].removed = true;
    cJSON *root = print(scene);
    assert_value(root, "listeners/0/state", "listening");
    assert_value(root, "listeners/1/state", "removed");
    cJSON_Delete(root);
}

/* The allocation after this many fails, once. */
static int allocations_left;

static void *allocate_some(size_t bytes)
{
    allocations_left--;
    return allocations_left == 0 ? NULL : memory_allocate(1, bytes);
}

/* The leak detector watches. */
static void test_snapshot_json_leaves_nothing_behind_when_memory_is_short(void **state)
{
    cJSON_Hooks hooks = {allocate_some, memory_free};
    struct scene *scene = *state;
    char *text = NULL;
    size_t bytes = 0;
    int failures = 0;

    add_scope(scene, STATS_LISTENER, "web", NULL);
    add_scope(scene, STATS_SERVER, "one", "up");
    scene->scopes[0].addresses_count = 1;
    cJSON_InitHooks(&hooks);
    while (text == NULL) {
        bytes = 1;
        allocations_left = ++failures;
        text = snapshot_json_print(&scene->snapshot, &bytes);
        assert_true(text != NULL || bytes == 0);
    }
    assert_true(failures > 100);
    assert_int_equal(strlen(text), bytes);
    memory_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_snapshot_json_is_exact_beyond_2_to_the_53, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_escapes_names, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_replaces_what_is_no_utf8, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_tells_no_limit_as_null, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_groups_servers_by_upstream, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_prints_times_and_addresses, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_tells_time, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_tells_of_the_last_reload, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_tells_listeners_that_were_removed, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_snapshot_json_leaves_nothing_behind_when_memory_is_short,
                                        scene_open, scene_close),
    };

    return cmocka_run_group_tests_name("snapshot_json", tests, NULL, free_printed);
}
