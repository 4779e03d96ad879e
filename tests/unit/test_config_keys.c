/* Every key: its default, its range, its mistakes, and that it lands in its field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config_keys.h"
#include "config_expect.h"

#include <stdio.h>
#include <string.h>

static void test_config_defaults_are_those_of_the_design(void **state)
{
    struct config *config = expect_config("[listener e]\nlisten=127.0.0.1:1\nmode=proxy\nupstream=u\n"
                                          "[upstream u]\nserver=s 127.0.0.1:2\n");
    const struct config_listener *listener = &config->listeners[0];
    const struct config_upstream *upstream = &config->upstreams[0];

    (void)state;
    assert_string_equal(config->file, "folder/test.ini");
    assert_int_equal(config->server.workers, 0);
    assert_int_equal(config->server.sessions_max, 100000);
    assert_int_equal(config->server.buffer_bytes, 16384);
    assert_int_equal(config->server.drain_timeout_ms, 30000);
    assert_null(config->server.log_file);
    assert_int_equal(config->server.log_level, LOG_INFO);
    assert_int_equal(config->server.log_rotate_bytes, 10 * 1024 * 1024);
    assert_int_equal(config->server.log_rotate_keep, 8);
    assert_null(config->server.session_log);
    assert_true(config->stats.enabled);
    assert_string_equal(config->stats.listen.text, "127.0.0.1:8404");
    assert_int_equal(config->stats.listen.address.port, 8404);
    assert_null(config->stats.token);
    assert_int_equal(config->listeners_count, 1);
    assert_int_equal(listener->sessions_max, 0);
    assert_int_equal(listener->sessions_per_ip_max, 0);
    assert_int_equal(listener->idle_timeout_ms, 600000);
    assert_int_equal(listener->half_close_timeout_ms, 30000);
    assert_int_equal(listener->lifetime_max_ms, 0);
    assert_int_equal(listener->upstream_index, 0);
    assert_int_equal(upstream->connect_timeout_ms, 5000);
    assert_int_equal(upstream->retries, 3);
    assert_int_equal(upstream->resolve_interval_ms, 30000);
    assert_int_equal(upstream->servers[0].sessions_max, 0);
    config_free(config);
}

static void test_config_every_key_lands_in_its_field(void **state)
{
    struct config *config = expect_config(
        "[server]\nworkers=3\nmax_sessions=7\nbuffer_size=64k\ndrain_timeout=0s\nlog_file=x.log\nlog_level="
        "debug\n"
        "log_rotate_size=1G\nlog_rotate_keep=100\nsession_log=s #1.log\n"
        "[stats]\nlisten=[::1]:9000\ntoken=0123456789abcdef\n"
        "[listener Web-1]\nlisten=127.0.0.1:0\nlisten=localhost:81\nlisten=[fe80::1%4]:82\nprotocol=tcp\n"
        "mode=proxy\nupstream=B.a_c\nmax_sessions=11\nmax_sessions_per_ip=12\nidle_timeout=13s\n"
        "half_close_timeout=14m\nmax_lifetime=24d\n"
        "[upstream other]\nserver=x host.example:1\n"
        "[upstream b.A_C]\nserver=one\tdb.example:5432  max_sessions=9\nconnect_timeout=1ms\nretries=0\n"
        "resolve_interval=0s\n");
    const struct config_listener *listener = &config->listeners[0];
    const struct config_upstream *upstream = &config->upstreams[1];

    (void)state;
    assert_int_equal(config->server.workers, 3);
    assert_int_equal(config->server.sessions_max, 7);
    assert_int_equal(config->server.buffer_bytes, 65536);
    assert_int_equal(config->server.drain_timeout_ms, 0);
    assert_string_equal(config->server.log_file, "folder/x.log");
    assert_int_equal(config->server.log_level, LOG_DEBUG);
    assert_int_equal(config->server.log_rotate_bytes, 1024 * 1024 * 1024);
    assert_int_equal(config->server.log_rotate_keep, 100);
    assert_string_equal(config->server.session_log, "folder/s #1.log");
    assert_string_equal(config->stats.listen.host, "::1");
    assert_string_equal(config->stats.token, "0123456789abcdef");
    assert_string_equal(listener->name, "Web-1");
    assert_int_equal(listener->line, 14);
    assert_int_equal(listener->endpoints_count, 3);
    assert_int_equal(listener->endpoints[0].port, 0);
    assert_false(listener->endpoints[1].is_literal);
    assert_string_equal(listener->endpoints[1].host, "localhost");
    assert_int_equal(listener->endpoints[1].port, 81);
    assert_int_equal(listener->endpoints[1].line, 16);
    assert_int_equal(listener->endpoints[2].address.scope, 4);
    assert_int_equal(listener->endpoints[2].address.port, 82);
    assert_int_equal(listener->mode, CONFIG_MODE_PROXY);
    assert_int_equal(listener->upstream_index, 1);
    assert_int_equal(listener->sessions_max, 11);
    assert_int_equal(listener->sessions_per_ip_max, 12);
    assert_int_equal(listener->idle_timeout_ms, 13000);
    assert_int_equal(listener->half_close_timeout_ms, 14 * 60000);
    assert_int_equal(listener->lifetime_max_ms, 2073600000);
    assert_int_equal(config->upstreams_count, 2);
    assert_string_equal(upstream->name, "b.A_C");
    assert_int_equal(upstream->servers_count, 1);
    assert_string_equal(upstream->servers[0].name, "one");
    assert_string_equal(upstream->servers[0].endpoint.text, "db.example:5432");
    assert_string_equal(upstream->servers[0].endpoint.host, "db.example");
    assert_int_equal(upstream->servers[0].endpoint.port, 5432);
    assert_int_equal(upstream->servers[0].sessions_max, 9);
    assert_int_equal(upstream->connect_timeout_ms, 1);
    assert_int_equal(upstream->retries, 0);
    assert_int_equal(upstream->resolve_interval_ms, 0);
    config_free(config);
}

static void test_config_keys_words_and_kinds_have_no_case(void **state)
{
    struct config *config =
        expect_config("[LISTENER E]\nListen=127.0.0.1:1\nMODE=Echo\n[Server]\nWorkers=AUTO\n"
                      "log_level=WARN\n[stats]\nlisten=OFF\n");

    (void)state;
    assert_string_equal(config->listeners[0].name, "E");
    assert_int_equal(config->server.log_level, LOG_WARN);
    assert_false(config->stats.enabled);
    config_free(config);
}

static void test_config_empty_values_mean_none_where_none_is_the_default(void **state)
{
    struct config *config =
        expect_config(COMPLETE "max_sessions=\nmax_sessions_per_ip=\nmax_lifetime= ; none\n"
                               "[server]\nlog_file=\n[stats]\ntoken=\n");

    (void)state;
    assert_null(config->server.log_file);
    assert_null(config->stats.token);
    assert_int_equal(config->listeners[0].lifetime_max_ms, 0);
    config_free(config);
    expect_errors(COMPLETE "idle_timeout=\n[server]\nworkers=\n[upstream u]\nserver=\n",
                  "4: idle_timeout has no value; write for example idle_timeout=10m, its default\n"
                  "6: workers has no value; write for example workers=auto, its default\n"
                  "8: server has no value\n");
}

static void test_config_values_out_of_range_name_the_range(void **state)
{
    (void)state;
    expect_errors(COMPLETE
                  "max_sessions=1000001\nidle_timeout=25d\nmax_sessions_per_ip=99999999999\n"
                  "[server]\nworkers=0\nmax_sessions=0\nbuffer_size=2M\ndrain_timeout=577h\n"
                  "[upstream u]\nserver=s h:1 max_sessions=1000001\nconnect_timeout=0s\nretries=101\n",
                  "4: max_sessions=1000001 is out of range; write 0 to 1000000\n"
                  "5: idle_timeout=25d is out of range; write 0s to 24d\n"
                  "6: max_sessions_per_ip=99999999999 is out of range; write 0 to 1000000\n"
                  "8: workers=0 is out of range; write 1 to 64\n"
                  "9: max_sessions=0 is out of range; write 1 to 1000000\n"
                  "10: buffer_size=2M is out of range; write 1k to 1M\n"
                  "11: drain_timeout=577h is out of range; write 0s to 24d\n"
                  "13: max_sessions=1000001 is out of range; write 0 to 1000000\n"
                  "14: connect_timeout=0s is out of range; write 1ms to 24d\n"
                  "15: retries=101 is out of range; write 0 to 100\n");
    config_free(expect_config(COMPLETE "max_sessions=1000000\nidle_timeout=576h\n[server]\nworkers=64\n"
                                       "buffer_size=1M\n[upstream u]\nserver=s h:1\nretries=100\n"));
    config_free(expect_config(COMPLETE "[server]\nworkers=1\nbuffer_size=1k\n"));
}

static void test_config_units_and_overflow_are_named(void **state)
{
    (void)state;
    expect_errors(
        COMPLETE "idle_timeout=600\nmax_sessions=18446744073709551616\nmax_lifetime=1.5h\n"
                 "[server]\nbuffer_size=16384\nworkers=many\n",
        "4: idle_timeout=600 has no unit; write idle_timeout=600s or idle_timeout=10m (units: ms, s, m, h, "
        "d)\n"
        "5: max_sessions=18446744073709551616 is far too large\n"
        "6: max_lifetime=1.5h: write a whole number, with a smaller unit if need be (1500ms instead of "
        "1.5s)\n"
        "8: buffer_size=16384 has no unit; write buffer_size=16k (units: k, M, G)\n"
        "9: workers is a number from 1 to 64, or auto\n");
}

static void test_config_words_that_are_near_are_suggested(void **state)
{
    (void)state;
    expect_errors("[listener e]\nlisten=127.0.0.1:1\nmode=ecko\nprotocol=quic\n[server]\nlog_level=wrn\n"
                  "max_session=5\nbufer-size=16k\ncolour=red\nidle_timeout=5m\n[stats]\nserver=x\n",
                  "3: mode=ecko is unknown; did you mean mode=echo?\n"
                  "4: protocol=quic is unknown; it can be tcp or udp\n"
                  "6: log_level=wrn is unknown; did you mean log_level=warn?\n"
                  "7: unknown key 'max_session' in [server]; did you mean 'max_sessions'?\n"
                  "8: unknown key 'bufer-size' in [server]; did you mean 'buffer_size'?\n"
                  "9: unknown key 'colour' in [server]\n"
                  "10: 'idle_timeout' does not belong into [server] but into [listener NAME]\n"
                  "12: 'server' does not belong into [stats] but into [upstream NAME]\n");
}

static void test_config_keys_set_twice_name_the_first_line(void **state)
{
    (void)state;
    expect_errors(COMPLETE "idle_timeout=5m\nIDLE_TIMEOUT=6m\nmode=proxy\nlisten=127.0.0.1:2\n",
                  "5: idle_timeout is already set in line 4\n6: mode is already set in line 3\n");
}

static void test_config_quotes_are_refused(void **state)
{
    (void)state;
    expect_errors(COMPLETE "[server]\nlog_file=\"C:\\x y\\a.log\"\n[stats]\ntoken='0123456789abcdef'\n",
                  "5: log_file: quotes are not needed and would be part of the value; remove them\n"
                  "7: token: quotes are not needed and would be part of the value; remove them\n");
}

static void expect_log_file(const char *ini, const char *log_file, const char *path)
{
    char text[256];
    struct config_errors errors = {0};

    snprintf(text, sizeof text, COMPLETE "[server]\nlog_file=%s\n", log_file);
    struct config *config = config_parse(ini, text, strlen(text), &errors);
    assert_non_null(config);
    assert_string_equal(config->server.log_file, path);
    config_free(config);
}

static void test_config_log_file_is_meant_from_the_folder_of_the_file(void **state)
{
    (void)state;
    expect_log_file("server.ini", "a.log", "a.log");
    expect_log_file("conf/server.ini", "a.log", "conf/a.log");
    expect_log_file("C:\\Program Files\\F\\server.ini", "logs\\a b.log",
                    "C:\\Program Files\\F\\logs\\a b.log");
    expect_log_file("C:server.ini", "a.log", "C:a.log");
    expect_log_file("conf\\server.ini", "D:\\a #1.log", "D:\\a #1.log");
    expect_log_file("conf/server.ini", "/var/a.log", "/var/a.log");
    expect_log_file("conf/server.ini", "\\\\host\\share\\a.log", "\\\\host\\share\\a.log");
}

static void test_config_log_rotation_and_session_log_can_be_off(void **state)
{
    struct config *config =
        expect_config(COMPLETE "[server]\nlog_rotate_size=OFF\nsession_log=Off\nlog_rotate_keep=1\n");

    (void)state;
    assert_int_equal(config->server.log_rotate_bytes, 0);
    assert_null(config->server.session_log);
    assert_int_equal(config->server.log_rotate_keep, 1);
    config_free(config);
    expect_errors(COMPLETE "[server]\nlog_rotate_size=0\nlog_rotate_keep=0\nsession_log=on\n",
                  "5: log_rotate_size=0: write log_rotate_size=off to let the files grow for ever\n"
                  "6: log_rotate_keep=0 is out of range; write 1 to 100\n"
                  "7: session_log=on: write the name of a file, such as session_log=sessions.log, or off\n");
    expect_errors(COMPLETE "[server]\nlog_rotate_size=63k\nlog_rotate_keep=101\nsession_log=\n",
                  "5: log_rotate_size=63k is out of range; write 64k to 1G\n"
                  "6: log_rotate_keep=101 is out of range; write 1 to 100\n"
                  "7: session_log has no value; write for example session_log=off, its default\n");
    expect_errors(COMPLETE "[server]\nlog_rotate_size=10\n",
                  "5: log_rotate_size=10 has no unit; write log_rotate_size=10k "
                  "(units: k, M, G)\n");
}

static void test_config_log_and_session_log_are_two_files(void **state)
{
    (void)state;
    config_free(expect_config(COMPLETE "[server]\nlog_file=a.log\nsession_log=b.log\n"));
    expect_errors(COMPLETE "[server]\nlog_file=a.log\nsession_log=A.log\n",
                  "6: session_log is the same file as log_file (line 5); each needs its own\n");
}

static void test_config_tokens_are_long_and_printable_and_never_repeated(void **state)
{
    (void)state;
    expect_errors(COMPLETE "[stats]\ntoken=secret\n",
                  "5: token has only 6 characters; write at least 16 random ones\n");
    expect_errors(COMPLETE "[stats]\ntoken=0123456789 abcdef\n",
                  "5: token may only have letters, digits and punctuation of ASCII, without blanks\n");
    expect_errors(COMPLETE "[stats]\ntoken=0123456789abcd\xc3\xa9\n",
                  "5: token may only have letters, digits and punctuation of ASCII, without blanks\n");
}

static void test_config_names_are_checked(void **state)
{
    (void)state;
    expect_errors(COMPLETE
                  "[listener]\nlisten=127.0.0.1:2\nmode=echo\n[listener a b]\nlisten=127.0.0.1:3\nmode=echo\n"
                  "[upstream a/b]\nserver=s h:1\n[server x]\n[stats y]\n",
                  "4: the listener needs a name; write [listener NAME]\n"
                  "7: 'a b' is not a name; names have letters, digits, '-', '_' and '.'\n"
                  "10: 'a/b' is not a name; names have letters, digits, '-', '_' and '.'\n"
                  "12: [server] has no name; write [server] instead of [server x]\n"
                  "13: [stats] has no name; write [stats] instead of [stats y]\n");
}

static void test_config_servers_are_checked(void **state)
{
    (void)state;
    expect_errors(
        COMPLETE "[upstream a]\nserver=127.0.0.1:80\n[upstream b]\nserver=one\n[upstream c]\nserver=one h:0\n"
                 "[upstream d]\nserver=o/e 0.0.0.0:5\n[upstream e]\nserver=one h:1 max_sessions=x "
                 "maxsessions=1 colour=red\n[upstream f]\nserver=one h:1 max_sessions=1 max_sessions=2\n"
                 "[upstream g]\nserver=one h:1 max_sessions\n",
        "5: server needs a name before its address; write server=NAME HOST:PORT\n"
        "7: server needs an address after its name; write server=NAME HOST:PORT\n"
        "9: server: 'h:0': port 0 cannot be connected to; write a port from 1 to 65535\n"
        "11: 'o/e' is not a name; names have letters, digits, '-', '_' and '.'\n"
        "11: server: '0.0.0.0:5' cannot be connected to; for this machine write 127.0.0.1 or [::1]\n"
        "13: max_sessions='x' is not a whole number; write for example max_sessions=100\n"
        "13: unknown option 'maxsessions' of a server; did you mean 'max_sessions'?\n"
        "13: unknown option 'colour' of a server; there is max_sessions=N\n"
        "15: max_sessions is there twice\n"
        "17: max_sessions has no value; write a whole number such as max_sessions=100\n");
}

static void test_config_one_line_says_the_same_only_once(void **state)
{
    (void)state;
    expect_errors(COMPLETE "[upstream u]\nserver=a h:1 weight=1 backup weight=2\n",
                  "5: weight is not supported by this version of fairlead\n"
                  "5: backup is not supported by this version of fairlead\n");
}

static void test_config_what_comes_later_is_not_supported_by_this_version(void **state)
{
    (void)state;
    expect_errors(COMPLETE
                  "protocol=udp\n[upstream u]\nserver=a h:1 weight=5 backup\nserver=b h:2\nserver=A h:3\n",
                  "4: protocol=udp is not supported by this version of fairlead\n"
                  "6: weight is not supported by this version of fairlead\n"
                  "6: backup is not supported by this version of fairlead\n"
                  "7: a second server= is not supported by this version of fairlead\n"
                  "8: a second server= is not supported by this version of fairlead\n"
                  "8: server 'A' is already in line 6; names must differ by more than case\n");
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        char text[256];
        char errors[256];
        if (key->set != NULL)
            continue;
        /* Also without a value, and with one that would be wrong. */
        snprintf(text, sizeof text, COMPLETE "[upstream u]\nserver=a h:1\n[%s%s]\n%s=\n%s",
                 config_scope_text(key->scope), config_scope_is_named(key->scope) ? " u2" : "", key->name,
                 key->scope == CONFIG_UPSTREAM   ? "server=a h:1\n"
                 : key->scope == CONFIG_LISTENER ? "listen=127.0.0.1:2\nmode=echo\n"
                                                 : "");
        snprintf(errors, sizeof errors, "7: %s is not supported by this version of fairlead\n", key->name);
        expect_errors(text, errors);
    }
}

static void test_config_keys_of_the_design_are_all_known(void **state)
{
    static const char *const names[CONFIG_SCOPES] = {
        "workers max_sessions buffer_size drain_timeout log_file log_level log_rotate_size log_rotate_keep "
        "session_log",
        "listen token",
        "listen protocol mode upstream max_sessions max_sessions_per_ip accept_rate allow deny idle_timeout "
        "half_close_timeout max_lifetime proxy_protocol proxy_protocol_from proxy_protocol_timeout",
        "balance server connect_timeout retries queue_timeout send_proxy check check_interval check_timeout "
        "rise fall "
        "max_fails fail_timeout resolve_interval",
    };
    size_t count = 0;

    (void)state;
    for (unsigned scope = 0; scope < CONFIG_SCOPES; scope++) {
        char words[512];
        snprintf(words, sizeof words, "%s", names[scope]);
        for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
            if (config_key_find((enum config_scope)scope, word) == NULL)
                fail_msg("%s is not in the table", word);
            count++;
        }
    }
    assert_int_equal(count, config_keys_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_defaults_are_those_of_the_design),
        cmocka_unit_test(test_config_every_key_lands_in_its_field),
        cmocka_unit_test(test_config_keys_words_and_kinds_have_no_case),
        cmocka_unit_test(test_config_empty_values_mean_none_where_none_is_the_default),
        cmocka_unit_test(test_config_values_out_of_range_name_the_range),
        cmocka_unit_test(test_config_units_and_overflow_are_named),
        cmocka_unit_test(test_config_words_that_are_near_are_suggested),
        cmocka_unit_test(test_config_keys_set_twice_name_the_first_line),
        cmocka_unit_test(test_config_quotes_are_refused),
        cmocka_unit_test(test_config_log_file_is_meant_from_the_folder_of_the_file),
        cmocka_unit_test(test_config_log_rotation_and_session_log_can_be_off),
        cmocka_unit_test(test_config_log_and_session_log_are_two_files),
        cmocka_unit_test(test_config_tokens_are_long_and_printable_and_never_repeated),
        cmocka_unit_test(test_config_names_are_checked),
        cmocka_unit_test(test_config_servers_are_checked),
        cmocka_unit_test(test_config_one_line_says_the_same_only_once),
        cmocka_unit_test(test_config_what_comes_later_is_not_supported_by_this_version),
        cmocka_unit_test(test_config_keys_of_the_design_are_all_known),
    };
    return cmocka_run_group_tests_name("config_keys", tests, NULL, NULL);
}
