/* config/units: numbers, durations and sizes; what is refused says what to write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/units.h"

#include <stdio.h>
#include <string.h>

static uint64_t parsed(enum units_kind kind, const char *text)
{
    uint64_t value = 0;

    if (units_parse(kind, text, &value) != UNITS_OK)
        fail_msg("\"%s\" is refused", text);
    return value;
}

static void expect_error(enum units_kind kind, const char *text, enum units_error error)
{
    uint64_t value = 77;

    if (units_parse(kind, text, &value) != error)
        fail_msg("\"%s\" does not give error %d", text, (int)error);
    assert_int_equal(value, 77);
}

static void expect_advice(enum units_kind kind, const char *text, const char *advice)
{
    char found[256];
    uint64_t value;
    enum units_error error = units_parse(kind, text, &value);

    assert_int_not_equal(error, UNITS_OK);
    assert_string_equal(units_advise(error, kind, "key", text, found, sizeof found), advice);
}

static void test_units_durations_are_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(parsed(UNITS_DURATION, "500ms"), 500);
    assert_int_equal(parsed(UNITS_DURATION, "10s"), 10000);
    assert_int_equal(parsed(UNITS_DURATION, "5m"), 300000);
    assert_int_equal(parsed(UNITS_DURATION, "1h"), 3600000);
    assert_int_equal(parsed(UNITS_DURATION, "24d"), 2073600000);
    assert_int_equal(parsed(UNITS_DURATION, "0s"), 0);
    assert_int_equal(parsed(UNITS_DURATION, "007s"), 7000);
}

static void test_units_sizes_are_powers_of_1024_in_either_case(void **state)
{
    (void)state;
    assert_int_equal(parsed(UNITS_SIZE, "16k"), 16384);
    assert_int_equal(parsed(UNITS_SIZE, "16K"), 16384);
    assert_int_equal(parsed(UNITS_SIZE, "2M"), 2097152);
    assert_int_equal(parsed(UNITS_SIZE, "2m"), 2097152);
    assert_int_equal(parsed(UNITS_SIZE, "3G"), 3221225472);
    assert_int_equal(parsed(UNITS_SIZE, "3g"), 3221225472);
}

static void test_units_reach_the_last_64_bit_value_and_not_one_further(void **state)
{
    (void)state;
    assert_true(parsed(UNITS_NUMBER, "18446744073709551615") == UINT64_MAX);
    expect_error(UNITS_NUMBER, "18446744073709551616", UNITS_OVERFLOW);
    expect_error(UNITS_NUMBER, "99999999999999999999", UNITS_OVERFLOW);
    assert_true(parsed(UNITS_DURATION, "18446744073709551615ms") == UINT64_MAX);
    assert_true(parsed(UNITS_DURATION, "18446744073709551s") == 18446744073709551000U);
    expect_error(UNITS_DURATION, "18446744073709552s", UNITS_OVERFLOW);
    assert_true(parsed(UNITS_SIZE, "17179869183G") == 17179869183U * 1073741824U);
    expect_error(UNITS_SIZE, "17179869184G", UNITS_OVERFLOW);
    expect_error(UNITS_SIZE, "99999999999999999999999999999999999999k", UNITS_OVERFLOW);
}

static void test_units_refuse_what_is_not_one_number_and_one_unit(void **state)
{
    static const char *const unknown[] = {"10 s", "10S", "10sec", "10sm", "1h30m", "10s ", "10w", "10M"};
    static const char *const not_numbers[] = {"ten", "s", " 10s", "#", "\xc2\xb2s", ".5s"};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        expect_error(UNITS_DURATION, unknown[i], UNITS_UNKNOWN_UNIT);
    for (size_t i = 0; i < sizeof not_numbers / sizeof not_numbers[0]; i++)
        expect_error(UNITS_DURATION, not_numbers[i], UNITS_NOT_A_NUMBER);
    expect_error(UNITS_SIZE, "16kb", UNITS_UNKNOWN_UNIT);
    expect_error(UNITS_SIZE, "16s", UNITS_UNKNOWN_UNIT);
    expect_error(UNITS_SIZE, "16 ", UNITS_UNKNOWN_UNIT);
    expect_error(UNITS_NUMBER, "16k", UNITS_NOT_A_NUMBER);
    expect_error(UNITS_NUMBER, "0x10", UNITS_NOT_A_NUMBER);
    expect_error(UNITS_DURATION, "", UNITS_EMPTY);
    expect_error(UNITS_DURATION, "0", UNITS_NO_UNIT);
    expect_error(UNITS_SIZE, "16384", UNITS_NO_UNIT);
    expect_error(UNITS_NUMBER, "-1", UNITS_SIGNED);
    expect_error(UNITS_NUMBER, "+1", UNITS_SIGNED);
    expect_error(UNITS_DURATION, "1.5h", UNITS_FRACTION);
    expect_error(UNITS_DURATION, "1,5h", UNITS_FRACTION);
}

static void test_units_advice_says_what_to_write(void **state)
{
    (void)state;
    expect_advice(UNITS_DURATION, "600",
                  "key=600 has no unit; write key=600s or key=10m (units: ms, s, m, h, d)");
    expect_advice(UNITS_DURATION, "5", "key=5 has no unit; write key=5s for seconds (units: ms, s, m, h, d)");
    expect_advice(UNITS_DURATION, "18446744073709551615",
                  "key=18446744073709551615 has no unit; write key=18446744073709551615s for seconds "
                  "(units: ms, s, m, h, d)");
    expect_advice(UNITS_SIZE, "16384", "key=16384 has no unit; write key=16k (units: k, M, G)");
    expect_advice(UNITS_SIZE, "16", "key=16 has no unit; write key=16k (units: k, M, G)");
    expect_advice(UNITS_SIZE, "1500", "key=1500 has no unit; write key=2k (units: k, M, G)");
    expect_advice(
        UNITS_DURATION, "10min",
        "key='10min' has an unknown unit; write one number and one of ms, s, m, h, d, such as key=10s");
    expect_advice(UNITS_NUMBER, "many", "key='many' is not a whole number; write for example key=100");
    expect_advice(UNITS_NUMBER, "-5", "key=-5: write a whole number without a sign, such as key=100");
    expect_advice(UNITS_DURATION, "1.5s",
                  "key=1.5s: write a whole number, with a smaller unit if need be (1500ms instead of 1.5s)");
    expect_advice(UNITS_NUMBER, "99999999999999999999", "key=99999999999999999999 is far too large");
    expect_advice(UNITS_SIZE, "", "key has no value; write a size such as key=16k");
}

static void test_units_format_gives_the_shortest_text_that_reads_back(void **state)
{
    static const struct {
        enum units_kind kind;
        uint64_t value;
        const char *text;
    } rows[] = {
        {UNITS_DURATION, 0, "0s"},
        {UNITS_DURATION, 1, "1ms"},
        {UNITS_DURATION, 1500, "1500ms"},
        {UNITS_DURATION, 60000, "1m"},
        {UNITS_DURATION, 90000, "90s"},
        {UNITS_DURATION, 86400000, "1d"},
        {UNITS_SIZE, 0, "0k"},
        {UNITS_SIZE, 16384, "16k"},
        {UNITS_SIZE, 1048576, "1M"},
        {UNITS_SIZE, 1049600, "1025k"},
        {UNITS_SIZE, 1073741824, "1G"},
        {UNITS_NUMBER, 0, "0"},
        {UNITS_NUMBER, 1000000, "1000000"},
    };
    char text[UNITS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(units_format(rows[i].kind, rows[i].value, text), rows[i].text);
        assert_true(parsed(rows[i].kind, text) == rows[i].value);
    }
    assert_string_equal(units_format(UNITS_SIZE, UINT64_MAX, text), "18446744073709551615 bytes");
    assert_string_equal(units_format(UNITS_DURATION, UINT64_MAX, text), "18446744073709551615ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_durations_are_milliseconds),
        cmocka_unit_test(test_units_sizes_are_powers_of_1024_in_either_case),
        cmocka_unit_test(test_units_reach_the_last_64_bit_value_and_not_one_further),
        cmocka_unit_test(test_units_refuse_what_is_not_one_number_and_one_unit),
        cmocka_unit_test(test_units_advice_says_what_to_write),
        cmocka_unit_test(test_units_format_gives_the_shortest_text_that_reads_back),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
