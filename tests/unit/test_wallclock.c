/* base/wallclock: the time of day as people read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/wallclock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_wallclock_format_writes_rfc_3339(void **state)
{
    static const struct {
        uint64_t time_ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782400000U - 1, "2000-02-28T23:59:59.999Z"},
        {951782400000U, "2000-02-29T00:00:00.000Z"},
        {951868800000U, "2000-03-01T00:00:00.000Z"},
        {1795467912345U, "2026-11-23T21:05:12.345Z"},
        {4107542399999U, "2100-02-28T23:59:59.999Z"},
        {4107542400000U, "2100-03-01T00:00:00.000Z"},
        {253402300799999U, "9999-12-31T23:59:59.999Z"},
        {253402300800000U, "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[WALLCLOCK_TEXT_BYTES];
        assert_string_equal(wallclock_format(cases[i].time_ms, text), cases[i].text);
        assert_int_equal(strlen(text), WALLCLOCK_TEXT_BYTES - 1);
    }
}

static void test_wallclock_format_agrees_with_the_c_library(void **state)
{
    uint64_t random = 3339;
    (void)state;

    for (unsigned round = 0; round < 20000; round++) {
        /* Microsoft's C library knows no year after 3000. */
        uint64_t time_ms = random_next(&random) % 32535216000000U;
        time_t seconds = (time_t)(time_ms / 1000);
        const struct tm *date = gmtime(&seconds);
        char expected[80];
        char text[WALLCLOCK_TEXT_BYTES];
        assert_non_null(date);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", date->tm_year + 1900,
                 date->tm_mon + 1, date->tm_mday, date->tm_hour, date->tm_min, date->tm_sec,
                 (unsigned)(time_ms % 1000));
        assert_string_equal(wallclock_format(time_ms, text), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wallclock_format_writes_rfc_3339),
        cmocka_unit_test(test_wallclock_format_agrees_with_the_c_library),
    };
    return cmocka_run_group_tests_name("wallclock", tests, NULL, NULL);
}
