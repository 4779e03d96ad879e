/* stats/reload_json: the outcome of a reload, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/memory.h"
#include "stats/json.h"
#include "stats/reload_json.h"

static void assert_printed(const struct reload_outcome *outcome, const char *expected)
{
    size_t bytes;
    char *text = reload_json_print(outcome, &bytes);

    assert_non_null(text);
    assert_string_equal(text, expected);
    assert_int_equal(bytes, strlen(expected));
    memory_free(text);
}

static void test_reload_json_tells_the_outcome(void **state)
{
    static const struct reload_outcome applied = {true, UINT64_C(9007199254740993), "added: web\n"};
    static const struct reload_outcome refused = {false, 1, "a.ini:1: \"x\"\na.ini:2: M\xFCller\n"};
    (void)state;

    json_start();
    assert_printed(&applied, "{\"applied\":true,\"generation\":9007199254740993,\"text\":\"added: web\\n\"}");
    assert_printed(&refused, "{\"applied\":false,\"generation\":1,\"text\":"
                             "\"a.ini:1: \\\"x\\\"\\na.ini:2: M\xEF\xBF\xBDller\\n\"}");
}

/* The allocation after this many fails, once. */
static int allocations_left;

static void *allocate_some(size_t bytes)
{
    allocations_left--;
    return allocations_left == 0 ? NULL : memory_allocate(1, bytes);
}

/* The leak detector watches. */
static void test_reload_json_leaves_nothing_behind_when_memory_is_short(void **state)
{
    static const struct reload_outcome outcome = {true, 2, "nothing\n"};
    cJSON_Hooks hooks = {allocate_some, memory_free};
    char *text = NULL;
    size_t bytes = 0;
    int failures = 0;
    (void)state;

    cJSON_InitHooks(&hooks);
    while (text == NULL) {
        bytes = 1;
        allocations_left = ++failures;
        text = reload_json_print(&outcome, &bytes);
        assert_true(text != NULL || bytes == 0);
    }
    json_start();
    assert_true(failures > 5);
    assert_int_equal(strlen(text), bytes);
    memory_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload_json_tells_the_outcome),
        cmocka_unit_test(test_reload_json_leaves_nothing_behind_when_memory_is_short),
    };

    return cmocka_run_group_tests_name("reload_json", tests, NULL, NULL);
}
