/* base/arguments: the examples of Microsoft's documentation and the corners between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arguments.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments, each in angle brackets, as one text. */
static const char *split(const char *line, size_t max)
{
    static char text[1000];
    char *copy = malloc(strlen(line) + 1); /* exact, so that ASan sees a byte too many */
    char **arguments = calloc(max + 1, sizeof *arguments);

    assert_non_null(copy);
    assert_non_null(arguments);
    memcpy(copy, line, strlen(line) + 1);
    size_t count = arguments_split(copy, arguments, max);
    assert_true(count <= max);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "<%s>", arguments[i]);
    }
    free(arguments);
    free(copy);
    return text;
}

static void test_arguments_follow_the_rules_of_the_c_runtime(void **state)
{
    static const char *const cases[][2] = {
        {"fairlead", "<fairlead>"},
        {"", "<>"},
        {"fairlead   ", "<fairlead>"},
        {"fairlead run -c server.ini", "<fairlead><run><-c><server.ini>"},
        {"f \t run\t-c  x ", "<f><run><-c><x>"},
        {"\"C:\\Program Files\\fairlead.exe\" run", "<C:\\Program Files\\fairlead.exe><run>"},
        {"\"C:\\dir\\\" run", "<C:\\dir\\><run>"},
        {"f \"a b c\" d e", "<f><a b c><d><e>"},
        {"f \"ab\\\"c\" \"\\\\\" d", "<f><ab\"c><\\><d>"},
        {"f a\\\\\\b d\"e f\"g h", "<f><a\\\\\\b><de fg><h>"},
        {"f a\\\\\\\"b c d", "<f><a\\\"b><c><d>"},
        {"f a\\\\\\\\\"b c\" d e", "<f><a\\\\b c><d><e>"},
        {"f a\"b\"\" c d", "<f><ab\" c d>"},
        {"f \"\" x", "<f><><x>"},
        {"f \"open", "<f><open>"},
        {"f C:\\logs\\", "<f><C:\\logs\\>"},
        {"f \"C:\\logs\\\\\" x", "<f><C:\\logs\\><x>"},
        {"f \xc3\xbc.ini", "<f><\xc3\xbc.ini>"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(split(cases[i][0], 20), cases[i][1]);
}

static void test_arguments_beyond_the_room_are_left_out(void **state)
{
    (void)state;
    assert_string_equal(split("f a b c", 2), "<f><a>");
    assert_string_equal(split("f a b c", 1), "<f>");
    assert_string_equal(split("f a b c", 0), "");
}

static void test_arguments_never_need_more_room_than_promised(void **state)
{
    uint64_t random = 1;
    (void)state;

    for (unsigned round = 0; round < 50000; round++) {
        char line[24];
        size_t length = random_next(&random) % sizeof line;
        for (size_t i = 0; i < length; i++)
            line[i] = "a \\\"\t"[random_next(&random) % 5];
        if (length > 0)
            line[length - 1] = '\0';
        else
            line[length] = '\0';
        size_t promised = strlen(line) / 2 + 1;
        char exact[200];
        snprintf(exact, sizeof exact, "%s", split(line, promised));
        assert_string_equal(exact, split(line, 50));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_follow_the_rules_of_the_c_runtime),
        cmocka_unit_test(test_arguments_beyond_the_room_are_left_out),
        cmocka_unit_test(test_arguments_never_need_more_room_than_promised),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
