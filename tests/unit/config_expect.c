#include "config_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 64 * 1024 };

char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, TEXT_BYTES);

    if (file == NULL)
        fail_msg("%s cannot be opened; tests run in the root of the repository", path);
    assert_non_null(text);
    assert_true(fread(text, 1, TEXT_BYTES - 1, file) < TEXT_BYTES - 1);
    fclose(file);
    return text;
}

char *print_errors_of(const char *file, const struct config_errors *errors)
{
    char *text = calloc(1, TEXT_BYTES);
    size_t length = 0;

    assert_non_null(text);
    for (size_t i = 0; i < errors->count && length < TEXT_BYTES - 300; i++)
        length += (size_t)snprintf(text + length, TEXT_BYTES - length, "%s%u: %s\n", file,
                                   errors->items[i].line, errors->items[i].text);
    return text;
}

void expect_errors_of_bytes(const void *data, size_t bytes, const char *errors)
{
    struct config_errors found = {0};
    /* On the heap and exactly as long as it is, so that the sanitizer sees every byte read beyond. */
    char *copy = malloc(bytes == 0 ? 1 : bytes);

    assert_non_null(copy);
    memcpy(copy, data, bytes);
    struct config *config = config_parse("folder/test.ini", copy, bytes, &found);
    char *printed = print_errors_of("", &found);
    assert_string_equal(printed, errors);
    assert_null(config);
    assert_int_equal(found.lost, 0);
    free(printed);
    free(copy);
    config_errors_free(&found);
}

void expect_errors(const char *text, const char *errors)
{
    expect_errors_of_bytes(text, strlen(text), errors);
}

struct config *expect_config(const char *text)
{
    struct config_errors found = {0};
    struct config *config = config_parse("folder/test.ini", text, strlen(text), &found);
    char *printed = print_errors_of("", &found);

    assert_string_equal(printed, "");
    assert_non_null(config);
    free(printed);
    config_errors_free(&found);
    return config;
}
