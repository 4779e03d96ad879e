/* The server.ini that is shipped: what it serves, and that it shows every key with its default. */
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

/* "; key=value": a key at its default. Other comments are sentences. */
static bool shows_default(const char *line)
{
    const char *p = line + 2;

    if (strncmp(line, "; ", 2) != 0)
        return false;
    while ((*p >= 'a' && *p <= 'z') || *p == '_')
        p++;
    return p > line + 2 && *p == '=';
}

/* The next line of `*text`, terminated; NULL at the end. */
static char *next_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');

    if (*line == '\0')
        return NULL;
    *text = end == NULL ? line + strlen(line) : end + 1;
    if (end != NULL)
        *end = '\0';
    return line;
}

static void test_config_shipped_file_serves_echo_proxy_and_statistics(void **state)
{
    struct config_errors errors = {0};
    struct config *config = config_load("server.ini", &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.count, 0);
    assert_int_equal(config->listeners_count, 2);
    assert_string_equal(config->listeners[0].name, "echo");
    assert_int_equal(config->listeners[0].mode, CONFIG_MODE_ECHO);
    assert_int_equal(config->listeners[0].endpoints_count, 1);
    assert_string_equal(config->listeners[0].endpoints[0].text, "127.0.0.1:8888");
    assert_int_equal(config->listeners[1].mode, CONFIG_MODE_PROXY);
    assert_int_equal(config->listeners[1].endpoints_count, 1);
    assert_string_equal(config->listeners[1].endpoints[0].text, "127.0.0.1:8080");
    assert_int_equal(config->upstreams_count, 1);
    assert_string_equal(config->upstreams[0].servers[0].endpoint.text, "127.0.0.1:8888");
    assert_true(config->stats.enabled);
    assert_string_equal(config->stats.listen.text, "127.0.0.1:8404");
    assert_null(config->stats.token);
    assert_null(config->server.log_file);
    config_free(config);
}

static void test_config_shipped_file_is_right_with_every_default_written_out(void **state)
{
    char *text = read_text("server.ini");
    char *copy = calloc(1, strlen(text) + 1);
    size_t length = 0;
    size_t shown = 0;

    (void)state;
    assert_non_null(copy);
    for (char *rest = text, *line = next_line(&rest); line != NULL; line = next_line(&rest)) {
        bool is_default = shows_default(line);
        shown += is_default;
        length += (size_t)sprintf(copy + length, "%s\n", is_default ? line + 2 : line);
    }
    assert_in_range(shown, 15, 30);
    config_free(expect_config(copy));
    free(copy);
    free(text);
}

static void test_config_shipped_file_shows_every_key_with_its_default_and_a_comment(void **state)
{
    char *text = read_text("server.ini");
    bool shown[CONFIG_KEYS_MAX] = {false};
    unsigned scope = CONFIG_SCOPES;
    const char *before = "";

    (void)state;
    for (char *rest = text, *line = next_line(&rest); line != NULL; before = line, line = next_line(&rest)) {
        bool is_default = shows_default(line);
        char name[64];
        if (line[0] == '[') {
            for (scope = 0; scope < CONFIG_SCOPES; scope++) {
                const char *kind = config_scope_text((enum config_scope)scope);
                if (strncmp(line + 1, kind, strlen(kind)) == 0)
                    break;
            }
        }
        if (!is_default && (line[0] < 'a' || line[0] > 'z'))
            continue;
        assert_int_equal(sscanf(is_default ? line + 2 : line, "%63[^=]", name), 1);
        assert_in_range(scope, 0, CONFIG_SCOPES - 1);
        const struct config_key *key = config_key_find((enum config_scope)scope, name);
        if (key == NULL || key->set == NULL)
            fail_msg("\"%s\" is not a key of this version", line);
        if (is_default)
            assert_string_equal(strchr(line, '=') + 1, key->standard);
        if (!shown[key - config_keys])
            assert_true(before[0] == ';' && !shows_default(before));
        shown[key - config_keys] = true;
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].set != NULL && !shown[i])
            fail_msg("server.ini does not show %s", config_keys[i].name);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_shipped_file_serves_echo_proxy_and_statistics),
        cmocka_unit_test(test_config_shipped_file_is_right_with_every_default_written_out),
        cmocka_unit_test(test_config_shipped_file_shows_every_key_with_its_default_and_a_comment),
    };
    return cmocka_run_group_tests_name("config_shipped", tests, NULL, NULL);
}
