/* Memory that runs out while a configuration is read: an error, no configuration, nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

/* This program has its own memory.h: the allocation number `fails_at` fails, from 0; and all that follow when
 * `fails_on` is set. */
static size_t allocations;
static size_t fails_at;
static bool fails_on;
static size_t living;

static bool fails(void)
{
    size_t number = allocations++;

    return fails_on ? number >= fails_at : number == fails_at;
}

void *memory_allocate(size_t count, size_t size)
{
    void *block = fails() ? NULL : calloc(count, size);

    living += block != NULL;
    return block;
}

void *memory_resize(void *block, size_t bytes)
{
    void *resized = fails() ? NULL : realloc(block, bytes);

    living += block == NULL && resized != NULL;
    return resized;
}

char *memory_copy_string(const char *text)
{
    char *copy = memory_allocate(strlen(text) + 1, 1);

    if (copy != NULL)
        memcpy(copy, text, strlen(text));
    return copy;
}

void memory_free(void *block)
{
    living -= block != NULL;
    free(block);
}

/* Reads `text` with every allocation failing once, until none is left to fail. */
static void run(const char *text, bool right)
{
    size_t runs = 0;

    for (bool failed = true; failed; runs++) {
        struct config_errors errors = {0};
        allocations = 0;
        fails_at = runs;
        struct config *config = config_parse("folder/test.ini", text, strlen(text), &errors);
        failed = allocations > fails_at;
        if (failed || !right) {
            assert_null(config);
            assert_true(errors.count + errors.lost > 0);
        } else {
            assert_non_null(config);
            assert_int_equal(errors.count + errors.lost, 0);
        }
        config_free(config);
        config_errors_free(&errors);
        assert_int_equal(living, 0);
    }
    assert_true(runs > 20);
}

static const char right_text[] =
    "[server]\nlog_file=x\n[stats]\nlisten=0.0.0.0:1\ntoken=0123456789abcdef\n"
    "[listener a]\nlisten=127.0.0.1:2\nlisten=h:3\nmode=proxy\nupstream=b\n"
    "[upstream b]\nserver=one h:4\n[upstream c]\nserver=one h:4 max_sessions=3\n";

static const char wrong_text[] =
    "x=1\n[server]\nlog_file=x\nworkers=99\n[stats]\nlisten=0.0.0.0:1\n"
    "[listener a]\nlisten=127.0.0.1:2\nlisten=127.0.0.1:2\nmode=proxy\nupstream=d\n"
    "[upstream b]\nserver=one h:4\nserver=two h:5\n[upstream b]\n";

static void test_config_memory_that_fails_once_is_an_error_and_no_leak(void **state)
{
    (void)state;
    fails_on = false;
    run(right_text, true);
    run(wrong_text, false);
}

static void test_config_memory_that_ends_is_an_error_and_no_leak(void **state)
{
    (void)state;
    fails_on = true;
    run(right_text, true);
    run(wrong_text, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_memory_that_fails_once_is_an_error_and_no_leak),
        cmocka_unit_test(test_config_memory_that_ends_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests_name("config_memory", tests, NULL, NULL);
}
