/* base/timer: the wheel against a naive model, and what callbacks and other threads may do meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/random.h"
#include "base/timer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK TIMER_GRANULARITY_US
#define DAY_US (UINT64_C(86400) * 1000000)
#define HOUR_US (DAY_US / 24)

/* --- a timer that remembers --- */

struct probe {
    struct timer timer;
    struct timer_wheel *wheel;
    unsigned fired;
    uint64_t again_us; /* not 0: sets itself to this time when it fires */
    struct probe *cancels;
    bool cancelled;
};

static void probe_fire(struct timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);

    probe->fired++;
    if (probe->again_us != 0)
        timer_set(probe->wheel, timer, probe->again_us);
    if (probe->cancels != NULL)
        probe->cancelled = timer_cancel(probe->wheel, &probe->cancels->timer);
}

static void probe_init(struct probe *probe, struct timer_wheel *wheel)
{
    *probe = (struct probe){.wheel = wheel};
    timer_init(&probe->timer, probe_fire);
}

/* --- single behaviours --- */

static void test_timer_fires_once_and_never_early(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 0);
    probe_init(&probe, &wheel);
    assert_true(timer_set(&wheel, &probe.timer, 10 * TICK + 1));
    timer_wheel_advance(&wheel, 10 * TICK + 1);
    assert_int_equal(probe.fired, 0);
    timer_wheel_advance(&wheel, 11 * TICK - 1);
    assert_int_equal(probe.fired, 0);
    timer_wheel_advance(&wheel, 11 * TICK);
    assert_int_equal(probe.fired, 1);
    timer_wheel_advance(&wheel, 100 * TICK);
    assert_int_equal(probe.fired, 1);
    assert_int_equal(timer_wheel_armed(&wheel), 0);
    timer_wheel_destroy(&wheel);
}

static void test_timer_set_and_cancel_tell_what_was_armed(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 5);
    probe_init(&probe, &wheel);
    assert_false(timer_cancel(&wheel, &probe.timer));
    assert_true(timer_set(&wheel, &probe.timer, DAY_US));
    assert_false(timer_set(&wheel, &probe.timer, 2 * DAY_US));
    assert_int_equal(timer_wheel_armed(&wheel), 1);
    timer_wheel_advance(&wheel, DAY_US + TICK);
    assert_int_equal(probe.fired, 0);
    assert_true(timer_cancel(&wheel, &probe.timer));
    assert_false(timer_cancel(&wheel, &probe.timer));
    assert_int_equal(timer_wheel_advance(&wheel, 3 * DAY_US), TIMER_NEVER);
    assert_int_equal(probe.fired, 0);
    timer_wheel_destroy(&wheel);
}

static void test_timer_past_due_fires_at_the_next_tick(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 100 * TICK);
    probe_init(&probe, &wheel);
    timer_set(&wheel, &probe.timer, 0);
    assert_int_equal(timer_wheel_advance(&wheel, 100 * TICK), 101 * TICK);
    assert_int_equal(timer_wheel_advance(&wheel, 101 * TICK), TIMER_NEVER);
    assert_int_equal(probe.fired, 1);
    timer_wheel_destroy(&wheel);
}

static void test_timer_own_callback_may_set_it_again(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 0);
    probe_init(&probe, &wheel);
    probe.again_us = 1; /* always past due: one shot per advance, not a loop */
    timer_set(&wheel, &probe.timer, TICK);
    timer_wheel_advance(&wheel, 30 * DAY_US);
    assert_int_equal(probe.fired, 1);
    assert_int_equal(timer_wheel_armed(&wheel), 1);
    timer_wheel_advance(&wheel, 60 * DAY_US);
    assert_int_equal(probe.fired, 2);
    assert_true(timer_cancel(&wheel, &probe.timer));
    timer_wheel_destroy(&wheel);
}

static void test_timer_callback_cancels_one_that_is_due_too(void **state)
{
    struct timer_wheel wheel;
    struct probe first, second;
    (void)state;

    timer_wheel_init(&wheel, 0);
    probe_init(&first, &wheel);
    probe_init(&second, &wheel);
    first.cancels = &second;
    timer_set(&wheel, &first.timer, 5 * TICK);
    timer_set(&wheel, &second.timer, 6 * TICK);
    timer_wheel_advance(&wheel, 10 * TICK);
    assert_int_equal(first.fired, 1);
    assert_true(first.cancelled);
    assert_int_equal(second.fired, 0);
    timer_wheel_destroy(&wheel);
}

static void test_timer_callback_cancelling_itself_is_told_it_fires(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 0);
    probe_init(&probe, &wheel);
    probe.cancels = &probe;
    probe.cancelled = true;
    timer_set(&wheel, &probe.timer, TICK);
    timer_wheel_advance(&wheel, TICK);
    assert_int_equal(probe.fired, 1);
    assert_false(probe.cancelled);
    timer_wheel_destroy(&wheel);
}

static unsigned freed_count;

static void free_owner(struct timer *timer)
{
    freed_count++;
    free(CONTAINER_OF(timer, struct probe, timer));
}

static void test_timer_owner_may_be_freed_in_its_callback(void **state)
{
    struct timer_wheel wheel;
    (void)state;

    freed_count = 0;
    timer_wheel_init(&wheel, 0);
    for (uint64_t i = 0; i < 50; i++) {
        struct probe *probe = calloc(1, sizeof *probe);
        assert_non_null(probe);
        timer_init(&probe->timer, free_owner);
        timer_set(&wheel, &probe->timer, (1 + i / 10) * TICK);
    }
    timer_wheel_advance(&wheel, DAY_US);
    assert_int_equal(freed_count, 50);
    timer_wheel_destroy(&wheel);
}

static void test_timer_at_the_end_of_time_never_fires(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, UINT64_MAX - DAY_US);
    probe_init(&probe, &wheel);
    timer_set(&wheel, &probe.timer, TIMER_NEVER);
    timer_wheel_advance(&wheel, UINT64_MAX - 1);
    timer_wheel_advance(&wheel, UINT64_MAX);
    assert_int_equal(probe.fired, 0);
    timer_set(&wheel, &probe.timer, UINT64_MAX - 2 * (uint64_t)TICK);
    timer_wheel_advance(&wheel, UINT64_MAX);
    assert_int_equal(timer_wheel_armed(&wheel), 1 - probe.fired);
    timer_cancel(&wheel, &probe.timer);
    timer_wheel_destroy(&wheel);
}

static void test_timer_empty_wheel_answers_never(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    (void)state;

    timer_wheel_init(&wheel, 0);
    assert_int_equal(timer_wheel_advance(&wheel, 1000 * DAY_US), TIMER_NEVER);
    probe_init(&probe, &wheel);
    timer_set(&wheel, &probe.timer, 1000 * DAY_US + TICK);
    timer_cancel(&wheel, &probe.timer);
    assert_int_equal(timer_wheel_advance(&wheel, 1000 * DAY_US), TIMER_NEVER);
    timer_wheel_destroy(&wheel);
}

/* A leap must cost by the timers it passes, not by the ticks: a century has 8e11 of them. */
static void test_timer_clock_leaps_over_a_century(void **state)
{
    struct timer_wheel wheel;
    struct probe near, far;
    (void)state;

    timer_wheel_init(&wheel, 0);
    probe_init(&near, &wheel);
    probe_init(&far, &wheel);
    timer_set(&wheel, &near.timer, TICK);
    timer_set(&wheel, &far.timer, 200 * 365 * DAY_US);
    timer_wheel_advance(&wheel, 100 * 365 * DAY_US);
    assert_int_equal(near.fired, 1);
    assert_int_equal(far.fired, 0);
    timer_wheel_advance(&wheel, 200 * 365 * DAY_US);
    assert_int_equal(far.fired, 1);
    timer_wheel_destroy(&wheel);
}

/* Also with timers beyond all that the wheel spans at once, which wait in its last slot: moving each of them once for every turn of
 * the wheel would take a day here. They fire in order all the same. */
static void test_timer_clock_leaps_over_all_time_with_many_timers(void **state)
{
    enum { FAR_TIMERS = 100000 };
    static struct probe probes[FAR_TIMERS];
    const uint64_t first_us = UINT64_MAX / 2;
    struct timer_wheel wheel;
    (void)state;

    timer_wheel_init(&wheel, 0);
    for (unsigned i = 0; i < FAR_TIMERS; i++) {
        probe_init(&probes[i], &wheel);
        timer_set(&wheel, &probes[i].timer, first_us + (uint64_t)(FAR_TIMERS - i) * HOUR_US);
    }
    for (unsigned i = 1; i < FAR_TIMERS; i++)
        probes[i].cancels = &probes[i - 1]; /* which is due an hour later */
    timer_wheel_advance(&wheel, first_us);
    assert_int_equal(timer_wheel_armed(&wheel), FAR_TIMERS);
    timer_wheel_advance(&wheel, first_us + (uint64_t)FAR_TIMERS * HOUR_US);
    assert_int_equal(timer_wheel_armed(&wheel), 0);
    for (unsigned i = 0; i < FAR_TIMERS; i++)
        assert_int_equal(probes[i].fired, i % 2);
    timer_wheel_destroy(&wheel);
}

/* Sleeping exactly until the answered time must reach a far timer on time and in few steps. */
static void test_timer_answer_leads_to_the_timer_in_few_steps(void **state)
{
    struct timer_wheel wheel;
    struct probe probe;
    unsigned steps = 0;
    (void)state;

    timer_wheel_init(&wheel, 12345678);
    probe_init(&probe, &wheel);
    const uint64_t due_us = 12345678 + 40 * DAY_US + 1234567;
    timer_set(&wheel, &probe.timer, due_us);
    uint64_t now_us = 12345678;
    while (probe.fired == 0) {
        uint64_t next_us = timer_wheel_advance(&wheel, now_us);
        if (probe.fired != 0)
            break;
        assert_true(next_us > now_us);
        now_us = next_us;
        steps++;
    }
    assert_true(now_us >= due_us && now_us < due_us + TICK);
    assert_true(steps <= TIMER_LEVELS + 1);
    timer_wheel_destroy(&wheel);
}

/* --- the wheel against a model that does everything the slow way --- */

enum { MODEL_TIMERS = 200 };

struct model {
    struct timer_wheel wheel;
    uint64_t random;
    uint64_t now_us;
    uint64_t last_fired_tick; /* in this advance */
    unsigned armed;
    struct model_timer {
        struct timer timer;
        struct model *model;
        bool armed;
        uint64_t due_us;
        uint64_t set_at_us;
    } timers[MODEL_TIMERS];
};

static uint64_t model_delay_us(struct model *model)
{
    uint64_t bits = random_next(&model->random) % 46; /* up to 2 years: beyond the wheel's span */
    return random_next(&model->random) & ((UINT64_C(1) << bits) - 1);
}

static void model_set(struct model *model, struct model_timer *timer)
{
    uint64_t delay_us = model_delay_us(model);
    uint64_t due_us;
    if (random_next(&model->random) % 16 == 0)
        due_us = model->now_us - (delay_us < model->now_us ? delay_us : model->now_us); /* the past */
    else
        due_us = delay_us < UINT64_MAX - model->now_us ? model->now_us + delay_us : UINT64_MAX;

    assert_int_equal(timer_set(&model->wheel, &timer->timer, due_us), !timer->armed);
    model->armed += timer->armed ? 0U : 1U;
    timer->armed = true;
    timer->due_us = due_us;
    timer->set_at_us = model->now_us;
}

static void model_cancel(struct model *model, struct model_timer *timer)
{
    assert_int_equal(timer_cancel(&model->wheel, &timer->timer), timer->armed);
    model->armed -= timer->armed ? 1U : 0U;
    timer->armed = false;
}

static uint64_t round_up_us(uint64_t us)
{
    return (us / TICK + (us % TICK != 0)) * TICK;
}

/* When the timer must have fired at the latest, to the microsecond: its due time rounded up, and for one that
 * was past due, the tick after the moment it was set. */
static uint64_t latest_us(const struct model_timer *timer)
{
    uint64_t due_us = timer->due_us;
    if (due_us > UINT64_MAX - TICK || timer->set_at_us > UINT64_MAX - TICK)
        return UINT64_MAX;
    uint64_t next_tick_us = (timer->set_at_us / TICK + 1) * TICK;
    return round_up_us(due_us) > next_tick_us ? round_up_us(due_us) : next_tick_us;
}

static void model_fire(struct timer *timer)
{
    struct model_timer *self = CONTAINER_OF(timer, struct model_timer, timer);
    struct model *model = self->model;

    assert_true(self->armed);
    assert_true(self->due_us <= model->now_us);
    self->armed = false;
    model->armed--;
    uint64_t tick = round_up_us(self->due_us) / TICK;
    /* Those clamped because they were past due when set stand later in the order than their due time says. */
    if (self->due_us > self->set_at_us) {
        assert_true(tick >= model->last_fired_tick);
        model->last_fired_tick = tick;
    }
    switch (random_next(&model->random) % 8) {
    case 0:
        model_set(model, self);
        break;
    case 1:
        model_set(model, &model->timers[random_next(&model->random) % MODEL_TIMERS]);
        break;
    case 2:
        model_cancel(model, &model->timers[random_next(&model->random) % MODEL_TIMERS]);
        break;
    default:
        break;
    }
}

static void model_advance(struct model *model)
{
    uint64_t step_us = model_delay_us(model);
    if (random_next(&model->random) % 4 != 0)
        step_us %= 100 * TICK;
    model->now_us = step_us < UINT64_MAX - model->now_us ? model->now_us + step_us : UINT64_MAX;
    model->last_fired_tick = 0;
    uint64_t next_us = timer_wheel_advance(&model->wheel, model->now_us);

    uint64_t first_us = TIMER_NEVER;
    for (unsigned i = 0; i < MODEL_TIMERS; i++) {
        const struct model_timer *timer = &model->timers[i];
        if (!timer->armed)
            continue;
        uint64_t latest = latest_us(timer);
        assert_true(latest > model->now_us || latest == UINT64_MAX);
        if (latest < first_us)
            first_us = latest;
    }
    assert_true(next_us <= first_us);
    if (model->armed == 0)
        assert_int_equal(next_us, TIMER_NEVER);
    assert_int_equal(timer_wheel_armed(&model->wheel), model->armed);
}

static void model_run(uint64_t seed, uint64_t start_us)
{
    static struct model model;

    print_message("seed=%llu start=%llu\n", (unsigned long long)seed, (unsigned long long)start_us);
    model = (struct model){.random = seed, .now_us = start_us};
    timer_wheel_init(&model.wheel, start_us);
    for (unsigned i = 0; i < MODEL_TIMERS; i++) {
        model.timers[i].model = &model;
        timer_init(&model.timers[i].timer, model_fire);
    }
    for (unsigned step = 0; step < 20000; step++) {
        struct model_timer *timer = &model.timers[random_next(&model.random) % MODEL_TIMERS];
        switch (random_next(&model.random) % 4) {
        case 0:
        case 1:
            model_set(&model, timer);
            break;
        case 2:
            if (random_next(&model.random) % 2 == 0)
                model_cancel(&model, timer);
            break;
        default:
            model_advance(&model);
            break;
        }
    }
    for (unsigned i = 0; i < MODEL_TIMERS; i++)
        model_cancel(&model, &model.timers[i]);
    timer_wheel_destroy(&model.wheel);
}

static void test_timer_wheel_agrees_with_a_naive_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static const uint64_t starts_us[] = {
            0, 1, TICK * 64 - 1, TICK * (UINT64_C(1) << 30) - 5, UINT64_MAX / 2, UINT64_MAX - 1000 * DAY_US};
        model_run(seed, starts_us[seed % (sizeof starts_us / sizeof starts_us[0])]);
    }
}

/* --- several threads --- */

enum { CROWD_THREADS = 4, CROWD_TIMERS = 64, CROWD_ROUNDS = 20000 };

static struct timer_wheel crowd_wheel;
static uint64_t crowd_clock_us;
static uint64_t crowd_armings;
static uint64_t crowd_endings;
static struct timer crowd_timers[CROWD_TIMERS];

static void crowd_fire(struct timer *timer)
{
    (void)timer;
    atomic_fetch_add_u64(&crowd_endings, 1);
}

static void *crowd_main(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;

    for (unsigned round = 0; round < CROWD_ROUNDS; round++) {
        struct timer *timer = &crowd_timers[random_next(&random) % CROWD_TIMERS];
        uint64_t now_us = atomic_fetch_add_u64(&crowd_clock_us, random_next(&random) % 3000);
        switch (random_next(&random) % 3) {
        case 0:
            if (timer_set(&crowd_wheel, timer, now_us + random_next(&random) % 2000000))
                atomic_fetch_add_u64(&crowd_armings, 1);
            break;
        case 1:
            if (timer_cancel(&crowd_wheel, timer))
                atomic_fetch_add_u64(&crowd_endings, 1);
            break;
        default:
            timer_wheel_advance(&crowd_wheel, now_us);
            break;
        }
    }
    return NULL;
}

static void test_timer_every_arming_ends_once_with_many_threads(void **state)
{
    pthread_t threads[CROWD_THREADS];
    (void)state;

    timer_wheel_init(&crowd_wheel, 0);
    for (unsigned i = 0; i < CROWD_TIMERS; i++)
        timer_init(&crowd_timers[i], crowd_fire);
    for (uintptr_t i = 0; i < CROWD_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < CROWD_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    timer_wheel_advance(&crowd_wheel, crowd_clock_us + DAY_US);
    assert_true(crowd_armings > 0);
    assert_int_equal(crowd_armings, crowd_endings);
    timer_wheel_destroy(&crowd_wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_fires_once_and_never_early),
        cmocka_unit_test(test_timer_set_and_cancel_tell_what_was_armed),
        cmocka_unit_test(test_timer_past_due_fires_at_the_next_tick),
        cmocka_unit_test(test_timer_own_callback_may_set_it_again),
        cmocka_unit_test(test_timer_callback_cancels_one_that_is_due_too),
        cmocka_unit_test(test_timer_callback_cancelling_itself_is_told_it_fires),
        cmocka_unit_test(test_timer_owner_may_be_freed_in_its_callback),
        cmocka_unit_test(test_timer_at_the_end_of_time_never_fires),
        cmocka_unit_test(test_timer_empty_wheel_answers_never),
        cmocka_unit_test(test_timer_clock_leaps_over_a_century),
        cmocka_unit_test(test_timer_clock_leaps_over_all_time_with_many_timers),
        cmocka_unit_test(test_timer_answer_leads_to_the_timer_in_few_steps),
        cmocka_unit_test(test_timer_wheel_agrees_with_a_naive_model),
        cmocka_unit_test(test_timer_every_arming_ends_once_with_many_threads),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
