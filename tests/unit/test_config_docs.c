/* docs/configuration.md says of every key what the program does, and its examples are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config_keys.h"
#include "config_expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "docs/configuration.md";

/* A copy of what stands between `start` and `end`, and `*text` moved behind it. */
static char *between(const char **text, const char *start, const char *end)
{
    const char *from = strstr(*text, start);

    if (from == NULL)
        fail_msg("%s does not hold \"%s\"", path, start);
    from += strlen(start);
    const char *to = strstr(from, end);
    if (to == NULL)
        fail_msg("%s does not hold \"%s\" after \"%s\"", path, end, start);
    size_t bytes = (size_t)(to - from);
    char *copy = calloc(1, bytes + 1);
    assert_non_null(copy);
    memcpy(copy, from, bytes);
    *text = to;
    return copy;
}

/* The chapter of a kind of section. */
static char *chapter_of(const char *text, enum config_scope scope)
{
    char heading[64];

    snprintf(heading, sizeof heading, "\n## [%s%s]\n", config_scope_text(scope),
             config_scope_is_named(scope) ? " NAME" : "");
    return between(&text, heading, "\n## ");
}

/* The row of a key, as its cells. */
struct row {
    char key[64];
    char value[128];
    char standard[64];
    char meaning[512];
};

static bool read_row(const char *chapter, const char *key, struct row *row)
{
    char start[80];

    snprintf(start, sizeof start, "\n| `%s` |", key);
    const char *found = strstr(chapter, start);
    return found != NULL && sscanf(found, "\n| `%63[^`]` | %127[^|]| %63[^|]| %511[^|]|", row->key,
                                   row->value, row->standard, row->meaning) == 4;
}

static void test_config_docs_have_every_key_with_its_default(void **state)
{
    char *text = read_text(path);

    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        char *chapter = chapter_of(text, key->scope);
        struct row row;
        char standard[64];
        if (read_row(chapter, key->name, &row) != (key->set != NULL))
            fail_msg("%s: %s has %s row", path, key->name, key->set != NULL ? "no" : "a");
        if (key->set != NULL && key->standard == NULL) {
            assert_memory_equal(row.standard, "required", 8);
        } else if (key->set != NULL) {
            snprintf(standard, sizeof standard, key->standard[0] == '\0' ? "none " : "`%s` ", key->standard);
            assert_string_equal(row.standard, standard);
        }
        free(chapter);
    }
    free(text);
}

static void test_config_docs_have_no_key_that_is_not_there(void **state)
{
    char *text = read_text(path);

    (void)state;
    for (unsigned scope = 0; scope < CONFIG_SCOPES; scope++) {
        char *chapter = chapter_of(text, (enum config_scope)scope);
        size_t rows = 0;
        for (const char *line = strstr(chapter, "\n| `"); line != NULL; line = strstr(line + 1, "\n| `")) {
            char name[64];
            assert_int_equal(sscanf(line, "\n| `%63[^`]`", name), 1);
            const struct config_key *key = config_key_find((enum config_scope)scope, name);
            if (key == NULL || key->set == NULL)
                fail_msg("%s: %s is not a key of this version", path, name);
            rows++;
        }
        assert_true(rows > 0);
        free(chapter);
    }
    free(text);
}

static void test_config_docs_examples_of_keys_are_accepted(void **state)
{
    char *text = read_text(path);

    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        char *chapter = chapter_of(text, key->scope);
        struct row row;
        char ini[512];
        if (key->set != NULL && read_row(chapter, key->name, &row)) {
            const char *meaning = row.meaning;
            char *example = between(&meaning, "Example: `", "`");
            const char *rest = key->scope != CONFIG_LISTENER        ? ""
                               : strcmp(key->name, "listen") == 0   ? "mode=echo\n"
                               : strcmp(key->name, "mode") == 0     ? "listen=h:1\nupstream=web\n"
                               : strcmp(key->name, "upstream") == 0 ? "listen=h:1\nmode=proxy\n"
                                                                    : "listen=h:1\nmode=echo\n";
            assert_memory_equal(example, key->name, strlen(key->name));
            snprintf(ini, sizeof ini, COMPLETE "[upstream web]\nserver=s h:1\n[%s%s]\n%s\n%s%s",
                     config_scope_text(key->scope), config_scope_is_named(key->scope) ? " x" : "", example,
                     rest,
                     key->scope == CONFIG_UPSTREAM && strcmp(key->name, "server") != 0 ? "server=s h:1\n"
                                                                                       : "");
            config_free(expect_config(ini));
            free(example);
        }
        free(chapter);
    }
    free(text);
}

static void test_config_docs_name_what_is_not_supported(void **state)
{
    char *text = read_text(path);
    const char *rest = text;
    char *chapter = between(&rest, "\n## Not supported by this version\n", "\n## ");

    (void)state;
    for (unsigned scope = 0; scope < CONFIG_SCOPES; scope++) {
        char start[64];
        snprintf(start, sizeof start, "\n- `[%s%s]`:", config_scope_text((enum config_scope)scope),
                 config_scope_is_named((enum config_scope)scope) ? " NAME" : "");
        const char *list = strstr(chapter, start);
        const char *end = list == NULL ? NULL : strstr(list + 1, "\n- ");
        for (size_t i = 0; i < config_keys_count; i++) {
            char quoted[64];
            if (config_keys[i].scope != (enum config_scope)scope)
                continue;
            snprintf(quoted, sizeof quoted, "`%s`", config_keys[i].name);
            const char *found = list == NULL ? NULL : strstr(list, quoted);
            bool listed = found != NULL && (end == NULL || found < end);
            if (listed != (config_keys[i].set == NULL))
                fail_msg("%s: %s is %s in the list of what is not supported", path, config_keys[i].name,
                         listed ? "wrongly" : "not");
        }
    }
    free(chapter);
    free(text);
}

static void test_config_docs_first_example_is_accepted(void **state)
{
    char *text = read_text(path);
    const char *rest = text;
    char *ini = between(&rest, "```ini\n", "```");

    (void)state;
    config_free(expect_config(ini));
    free(ini);
    free(text);
}

static void test_config_docs_errors_are_what_is_printed(void **state)
{
    struct config_errors errors = {0};
    char *text = read_text(path);
    const char *rest = text;
    free(between(&rest, "\n## Errors\n", "This file"));
    char *ini = between(&rest, "```ini\n", "```");
    free(between(&rest, "gives", "\n\n"));
    char *output = between(&rest, "```\n", "```");

    (void)state;
    assert_null(config_parse("server.ini", ini, strlen(ini), &errors));
    char *printed = print_errors_of("server.ini:", &errors);
    assert_string_equal(printed, output);
    free(printed);
    free(output);
    free(ini);
    free(text);
    config_errors_free(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_docs_have_every_key_with_its_default),
        cmocka_unit_test(test_config_docs_have_no_key_that_is_not_there),
        cmocka_unit_test(test_config_docs_examples_of_keys_are_accepted),
        cmocka_unit_test(test_config_docs_name_what_is_not_supported),
        cmocka_unit_test(test_config_docs_first_example_is_accepted),
        cmocka_unit_test(test_config_docs_errors_are_what_is_printed),
    };
    return cmocka_run_group_tests_name("config_docs", tests, NULL, NULL);
}
