/* What a service tells those who wait for it. */
#include "base/limits.h"
#include "host/service_progress.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_time_within_the_budget_is_progress(void **state)
{
    struct service_progress progress;

    (void)state;
    service_progress_begin(&progress, 5000, 3000, 7);
    assert_int_equal(progress.checkpoint, 1);
    assert_int_equal(progress.hint_ms, 3000 + SERVICE_CLEANUP_MS);
    assert_true(service_progress_tick(&progress, 6000, 7));
    assert_int_equal(progress.checkpoint, 2);
    assert_int_equal(progress.hint_ms, 2000 + SERVICE_CLEANUP_MS);
    assert_true(service_progress_tick(&progress, 7999, 7));
    assert_int_equal(progress.checkpoint, 3);
    assert_int_equal(progress.hint_ms, 1 + SERVICE_CLEANUP_MS);
}

static void test_after_it_only_sessions_that_end_are(void **state)
{
    struct service_progress progress;

    (void)state;
    service_progress_begin(&progress, 0, 1000, 7);
    assert_false(service_progress_tick(&progress, 1000, 7));
    assert_false(service_progress_tick(&progress, 2000, 7));
    assert_int_equal(progress.checkpoint, 1);
    assert_true(service_progress_tick(&progress, 3000, 6));
    assert_int_equal(progress.checkpoint, 2);
    assert_int_equal(progress.hint_ms, SERVICE_CLEANUP_MS);
    assert_false(service_progress_tick(&progress, 4000, 6));
    assert_true(service_progress_tick(&progress, 5000, 0));
    assert_int_equal(progress.checkpoint, 3);
}

static void test_more_sessions_are_no_progress_but_their_end_is(void **state)
{
    struct service_progress progress;

    (void)state;
    service_progress_begin(&progress, 0, 0, 1);
    assert_false(service_progress_tick(&progress, 1, 3));
    assert_true(service_progress_tick(&progress, 2, 2));
}

static void test_hint_of_a_very_long_budget_does_not_wrap(void **state)
{
    struct service_progress progress;

    (void)state;
    service_progress_begin(&progress, 1, CONFIG_DURATION_MS_MAX, 0);
    assert_int_equal(progress.hint_ms, CONFIG_DURATION_MS_MAX + SERVICE_CLEANUP_MS);
    service_progress_begin(&progress, 1, UINT32_MAX, 0);
    assert_int_equal(progress.hint_ms, UINT32_MAX);
}

static void test_new_step_starts_its_checkpoints_anew(void **state)
{
    struct service_progress progress;

    (void)state;
    service_progress_begin(&progress, 0, 1000, 0);
    assert_true(service_progress_tick(&progress, 500, 0));
    service_progress_begin(&progress, 700, 1000, 4);
    assert_int_equal(progress.checkpoint, 1);
    assert_int_equal(progress.hint_ms, 1000 + SERVICE_CLEANUP_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_within_the_budget_is_progress),
        cmocka_unit_test(test_after_it_only_sessions_that_end_are),
        cmocka_unit_test(test_more_sessions_are_no_progress_but_their_end_is),
        cmocka_unit_test(test_hint_of_a_very_long_budget_does_not_wrap),
        cmocka_unit_test(test_new_step_starts_its_checkpoints_anew),
    };
    return cmocka_run_group_tests_name("service_progress", tests, NULL, NULL);
}
