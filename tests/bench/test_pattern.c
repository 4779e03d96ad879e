/* bench/pattern: any piece of a stream is the same bytes, and any wrong byte in it is found where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/pattern.h"

/* Several blocks of the implementation, and pieces that begin and end anywhere in a word. */
enum { LENGTH = 700, PLACES = 20 };

static const uint64_t KEY = UINT64_C(0x0123456789abcdef);

static void test_pattern_is_the_same_in_pieces_of_any_size(void **state)
{
    uint8_t piece[LENGTH];
    (void)state;

    for (uint64_t position = 0; position < PLACES; position++) {
        for (size_t count = 0; count <= LENGTH; count++) {
            memset(piece, 0, sizeof piece);
            pattern_fill(piece, count, KEY, position);
            for (size_t i = 0; i < LENGTH; i++)
                assert_int_equal(piece[i], i < count ? pattern_byte(KEY, position + i) : 0);
            assert_int_equal(pattern_match(piece, count, KEY, position), count);
        }
    }
}

static void test_pattern_finds_the_first_wrong_byte(void **state)
{
    uint8_t piece[LENGTH];
    (void)state;

    for (uint64_t position = 0; position < PLACES; position++) {
        pattern_fill(piece, LENGTH, KEY, position);
        for (size_t place = 0; place < LENGTH; place++) {
            piece[place] ^= 1;
            assert_int_equal(pattern_match(piece, LENGTH, KEY, position), place);
            piece[place] ^= 1;
        }
    }
}

static void test_pattern_tells_streams_and_places_apart(void **state)
{
    uint8_t piece[LENGTH];
    (void)state;

    pattern_fill(piece, LENGTH, KEY, 0);
    assert_true(pattern_match(piece, LENGTH, KEY + 1, 0) < 8);
    for (uint64_t position = 1; position < LENGTH; position++)
        assert_true(pattern_match(piece, LENGTH, KEY, position) < 8);
}

static void test_pattern_begins_with_its_key(void **state)
{
    uint8_t piece[PATTERN_KEY_BYTES];
    (void)state;

    for (uint64_t serial = 0; serial < 100; serial++) {
        uint64_t key = pattern_key(7, serial);
        pattern_fill(piece, sizeof piece, key, 0);
        assert_true(pattern_key_of(piece) == key);
        assert_true(key != pattern_key(7, serial + 1));
        assert_true(key != pattern_key(8, serial));
    }
}

static void test_pattern_goes_on_beyond_32_bits(void **state)
{
    uint8_t piece[LENGTH], far[LENGTH];
    (void)state;

    pattern_fill(piece, LENGTH, KEY, 5);
    pattern_fill(far, LENGTH, KEY, (UINT64_C(1) << 40) + 5);
    assert_memory_not_equal(piece, far, 16);
    assert_int_equal(pattern_match(far, LENGTH, KEY, (UINT64_C(1) << 40) + 5), LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_is_the_same_in_pieces_of_any_size),
        cmocka_unit_test(test_pattern_finds_the_first_wrong_byte),
        cmocka_unit_test(test_pattern_tells_streams_and_places_apart),
        cmocka_unit_test(test_pattern_begins_with_its_key),
        cmocka_unit_test(test_pattern_goes_on_beyond_32_bits),
    };

    return cmocka_run_group_tests_name("bench_pattern", tests, NULL, NULL);
}
