/* base/line_queue: lines keep their order and their tags, the ring wraps, what does not fit is counted in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/line_queue.h"

#include <stdio.h>
#include <string.h>

enum { SLOTS = 8 };

static struct line_slot slots[SLOTS];
static struct line_queue queue;
static unsigned wakes;
static unsigned urgent_wakes;

static int start_fresh(void **state)
{
    struct line_queue fresh = LINE_QUEUE(slots);
    (void)state;

    memset(slots, 0, sizeof slots);
    queue = fresh;
    wakes = 0;
    urgent_wakes = 0;
    return 0;
}

/* Numbers are lines here, and their tag is the same number. */
static void put(unsigned number)
{
    char line[16];
    int length = snprintf(line, sizeof line, "%u\n", number);

    line_queue_put(&queue, line, (size_t)length, number);
}

static void expect(unsigned number)
{
    char line[LINE_BYTES];
    char expected[16];
    uint32_t tag = 0;
    size_t length = line_queue_take(&queue, line, &tag);

    assert_int_equal(length, snprintf(expected, sizeof expected, "%u\n", number));
    assert_memory_equal(line, expected, length);
    assert_int_equal(tag, number);
}

static void expect_nothing(void)
{
    char line[LINE_BYTES];
    uint32_t tag;

    assert_int_equal(line_queue_take(&queue, line, &tag), 0);
}

static void test_line_queue_keeps_order_and_tags_over_many_rounds(void **state)
{
    (void)state;
    expect_nothing();
    for (unsigned i = 0; i < 100 * SLOTS; i += 3) {
        put(i);
        put(i + 1);
        put(i + 2);
        expect(i);
        expect(i + 1);
        expect(i + 2);
    }
    expect_nothing();
}

static void test_line_queue_positions_wrap_around(void **state)
{
    (void)state;
    queue.write_position = queue.read_position = UINT32_MAX - 2 * SLOTS + 1;
    for (unsigned i = 0; i < SLOTS; i++)
        slots[i].turn = queue.write_position;
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < SLOTS; i++)
            put(i);
        for (unsigned i = 0; i < SLOTS; i++)
            expect(i);
        expect_nothing();
        assert_int_equal(line_queue_take_lost(&queue), 0);
    }
    assert_true(queue.read_position < 100 * SLOTS);
}

static void test_line_queue_counts_what_does_not_fit_where_it_was_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SLOTS + 3; i++)
        put(i);
    for (unsigned i = 0; i < SLOTS; i++) {
        assert_int_equal(line_queue_take_lost(&queue), 0);
        expect(i);
        if (i == 0)
            put(99);
    }
    assert_int_equal(line_queue_take_lost(&queue), 3);
    assert_int_equal(line_queue_take_lost(&queue), 0);
    expect(99);
    expect_nothing();
}

static void test_line_queue_reports_what_its_reader_could_not_use(void **state)
{
    (void)state;
    put(1);
    expect(1);
    put(2);
    line_queue_add_lost(&queue, 4);
    assert_int_equal(line_queue_take_lost(&queue), 4);
    assert_int_equal(line_queue_take_lost(&queue), 0);
    expect(2);

    /* With those that found no room: one report, no later than theirs. */
    for (unsigned i = 0; i < SLOTS + 2; i++)
        put(i);
    line_queue_add_lost(&queue, 1);
    for (unsigned i = 0; i < SLOTS; i++)
        expect(i);
    assert_int_equal(line_queue_take_lost(&queue), 3);
}

static void test_line_queue_takes_the_longest_line(void **state)
{
    char line[LINE_BYTES];
    char taken[LINE_BYTES];
    uint32_t tag = 0;

    (void)state;
    memset(line, 'x', sizeof line);
    line_queue_put(&queue, line, sizeof line, UINT32_MAX);
    assert_int_equal(line_queue_take(&queue, taken, &tag), LINE_BYTES);
    assert_memory_equal(taken, line, LINE_BYTES);
    assert_int_equal(tag, UINT32_MAX);
}

static void count_wake(bool urgent)
{
    wakes += urgent ? 0 : 1;
    urgent_wakes += urgent ? 1 : 0;
}

static void test_line_queue_wakes_when_there_is_something_again(void **state)
{
    (void)state;
    line_queue_set_wake(&queue, count_wake);
    put(1);
    assert_int_equal(wakes, 1);
    put(2);
    assert_int_equal(wakes, 1);
    expect(1);
    put(3);
    assert_int_equal(wakes, 1);
    expect(2);
    expect(3);
    expect_nothing();
    put(4);
    assert_int_equal(wakes, 2);
    assert_int_equal(urgent_wakes, 0);
}

static void test_line_queue_is_urgent_when_half_full(void **state)
{
    (void)state;
    line_queue_set_wake(&queue, count_wake);
    for (unsigned i = 0; i < SLOTS / 2; i++)
        put(i);
    assert_int_equal(urgent_wakes, 0);
    put(SLOTS / 2);
    assert_int_equal(urgent_wakes, 1);
    assert_int_equal(wakes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_line_queue_keeps_order_and_tags_over_many_rounds, start_fresh),
        cmocka_unit_test_setup(test_line_queue_positions_wrap_around, start_fresh),
        cmocka_unit_test_setup(test_line_queue_counts_what_does_not_fit_where_it_was_lost, start_fresh),
        cmocka_unit_test_setup(test_line_queue_reports_what_its_reader_could_not_use, start_fresh),
        cmocka_unit_test_setup(test_line_queue_takes_the_longest_line, start_fresh),
        cmocka_unit_test_setup(test_line_queue_wakes_when_there_is_something_again, start_fresh),
        cmocka_unit_test_setup(test_line_queue_is_urgent_when_half_full, start_fresh),
    };
    return cmocka_run_group_tests_name("line_queue", tests, NULL, NULL);
}
