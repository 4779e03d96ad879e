/* What concerns more than one line: names, addresses, and who may see the statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_expect.h"

#include <stdio.h>

#define PROXY(upstream) "[listener p]\nlisten=127.0.0.1:1\nmode=proxy\nupstream=" upstream "\n"

static void test_config_required_keys_are_missed(void **state)
{
    (void)state;
    expect_errors("[listener a]\nmode=proxy\n[listener b]\nlisten=127.0.0.1:1\n[upstream c]\nretries=1\n",
                  "1: the listener has no listen=; write for example listen=127.0.0.1:8080\n"
                  "1: mode=proxy needs upstream=NAME and a section [upstream NAME]\n"
                  "3: the listener has no mode=; write mode=echo or mode=proxy\n"
                  "5: the upstream has no server=; write for example server=one 127.0.0.1:8888\n");
}

static void test_config_wrong_values_are_not_missed_too(void **state)
{
    (void)state;
    expect_errors("[listener a]\nmode=prozy\nlisten=x\n[upstream c]\nserver=x\n",
                  "2: mode=prozy is unknown; did you mean mode=proxy?\n"
                  "3: listen: 'x' has no port; write HOST:PORT, such as 127.0.0.1:8080\n"
                  "5: server needs an address after its name; write server=NAME HOST:PORT\n");
}

static void test_config_upstream_in_echo_mode_is_an_error(void **state)
{
    (void)state;
    expect_errors(COMPLETE "upstream=u\n[upstream u]\nserver=s h:1\n",
                  "4: mode=echo has no upstream; remove the line or write mode=proxy\n");
}

static void test_config_unknown_upstreams_are_named(void **state)
{
    (void)state;
    expect_errors(PROXY("wbe") "[upstream web]\nserver=s h:1\n",
                  "4: there is no [upstream wbe]; did you mean 'web'?\n");
    expect_errors(PROXY("other") "[upstream web]\nserver=s h:1\n", "4: there is no [upstream other]\n");
    expect_errors(PROXY("a b"), "4: 'a b' is not a name; names have letters, digits, '-', '_' and '.'\n");
}

static void test_config_upstreams_may_stand_before_and_be_unused(void **state)
{
    struct config *config =
        expect_config("[upstream unused]\nserver=s h:1\n[upstream web]\nserver=s h:1\n" PROXY("WEB"));

    (void)state;
    assert_int_equal(config->listeners[0].upstream_index, 1);
    config_free(config);
}

static void test_config_sections_of_the_same_name_are_named(void **state)
{
    (void)state;
    expect_errors("[server]\n" COMPLETE
                  "[upstream E]\nserver=s h:1\n[listener E]\nlisten=127.0.0.1:2\nmode=echo\n"
                  "[SERVER]\nworkers=0\n[upstream e]\nserver=s h:1\n[stats]\n[stats]\n",
                  "7: listener 'E' is already in line 2; names must differ by more than case\n"
                  "10: [server] is already in line 1; write its keys there\n"
                  "11: workers=0 is out of range; write 1 to 64\n"
                  "12: upstream 'e' is already in line 5; names must differ by more than case\n"
                  "15: [stats] is already in line 14; write its keys there\n");
}

static void test_config_same_address_twice_names_both_lines(void **state)
{
    (void)state;
    expect_errors(COMPLETE "listen=127.0.0.1:1\n[listener f]\nlisten=127.0.0.1:01\nmode=echo\n",
                  "4: 127.0.0.1:1 is already taken by listen=127.0.0.1:1 of listener e in line 2\n"
                  "6: 127.0.0.1:01 is already taken by listen=127.0.0.1:1 of listener e in line 2\n");
    expect_errors(
        COMPLETE "listen=[::]:5\nlisten=0.0.0.0:5\nlisten=[2001:db8::1]:6\nlisten=[2001:DB8:0::1]:6\n",
        "5: 0.0.0.0:5 is already taken by listen=[::]:5 of listener e in line 4\n"
        "7: [2001:DB8:0::1]:6 is already taken by listen=[2001:db8::1]:6 of listener e in line 6\n");
    expect_errors(COMPLETE "listen=[::ffff:127.0.0.1]:1\nlisten=host:7\nlisten=HOST:7\n",
                  "4: [::ffff:127.0.0.1]:1 is already taken by listen=127.0.0.1:1 of listener e in line 2\n"
                  "6: HOST:7 is already taken by listen=host:7 of listener e in line 5\n");
}

static void test_config_different_addresses_do_not_clash(void **state)
{
    (void)state;
    config_free(expect_config(COMPLETE
                              "listen=127.0.0.1:0\nlisten=127.0.0.1:0\nlisten=127.0.0.2:1\nlisten=[::1]:1\n"
                              "listen=127.0.0.1:2\nlisten=localhost:1\nlisten=[fe80::1%1]:3\n"
                              "listen=[fe80::1%2]:3\n"));
}

static void test_config_listener_on_the_address_of_the_statistics_is_an_error(void **state)
{
    (void)state;
    expect_errors(
        "[listener e]\nlisten=127.0.0.1:8404\nmode=echo\n",
        "2: 127.0.0.1:8404 is the default address of the statistics; write another listen= in [stats], or "
        "here\n");
    expect_errors("[stats]\nlisten=127.0.0.1:1\n" COMPLETE,
                  "4: 127.0.0.1:1 is already taken by listen=127.0.0.1:1 of statistics in line 2\n");
    expect_errors(COMPLETE "[stats]\nlisten=127.0.0.1:1\n",
                  "5: 127.0.0.1:1 is already taken by listen=127.0.0.1:1 of listener e in line 2\n");
    config_free(expect_config("[listener e]\nlisten=127.0.0.1:8404\nmode=echo\n[stats]\nlisten=off\n"));
}

static void test_config_statistics_beyond_loopback_need_a_token(void **state)
{
    static const char *const refused[] = {"0.0.0.0:8404", "[::]:8404", "192.0.2.1:8404", "[2001:db8::1]:8404",
                                          "host.example:8404"};
    static const char *const accepted[] = {"127.0.0.1:8404", "127.9.9.9:8404", "[::1]:8404", "LocalHost:8404",
                                           "off"};
    char text[256];
    char errors[512];

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(text, sizeof text, COMPLETE "[stats]\nlisten=%s\ntoken=\n", refused[i]);
        snprintf(errors, sizeof errors,
                 "5: statistics on %s, which is not loopback, need a token; write token=SECRET or "
                 "listen=127.0.0.1:8404\n",
                 refused[i]);
        expect_errors(text, errors);
        snprintf(text, sizeof text, COMPLETE "[stats]\ntoken=0123456789abcdef\nlisten=%s\n", refused[i]);
        config_free(expect_config(text));
    }
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        snprintf(text, sizeof text, COMPLETE "[stats]\nlisten=%s\n", accepted[i]);
        config_free(expect_config(text));
    }
}

static void test_config_wrong_token_is_not_called_missing_too(void **state)
{
    (void)state;
    expect_errors(COMPLETE "[stats]\nlisten=0.0.0.0:8404\ntoken=short\n",
                  "6: token has only 5 characters; write at least 16 random ones\n");
    expect_errors(COMPLETE "[stats]\nlisten=0.0.0.0:8404\ntoken=\"0123456789abcdef\"\n",
                  "6: token: quotes are not needed and would be part of the value; remove them\n");
}

static void test_config_listener_must_not_be_its_own_server(void **state)
{
    (void)state;
    expect_errors(
        PROXY("u") "[upstream u]\nserver=s 127.0.0.1:1\n",
        "6: 127.0.0.1:1 is where listener p itself listens (line 2): it would connect to itself for ever\n");
    expect_errors(
        "[listener p]\nlisten=[::]:5\nmode=proxy\nupstream=u\n[upstream u]\nserver=s 127.0.0.1:5\n",
        "6: 127.0.0.1:5 is where listener p itself listens (line 2): it would connect to itself for ever\n");
    expect_errors(
        "[listener p]\nlisten=0.0.0.0:5\nmode=proxy\nupstream=u\n[upstream u]\nserver=s 127.0.0.1:5\n",
        "6: 127.0.0.1:5 is where listener p itself listens (line 2): it would connect to itself for ever\n");
    config_free(expect_config(
        "[listener p]\nlisten=0.0.0.0:5\nmode=proxy\nupstream=u\n[upstream u]\nserver=s [::1]:5\n"));
    config_free(expect_config(PROXY("u") "[upstream u]\nserver=s 127.0.0.2:1\n"));
}

static void test_config_errors_of_every_kind_come_at_once_in_order(void **state)
{
    (void)state;
    expect_errors(
        "x=1\n[server]\nworkers=99\n bad\n[stats]\nlisten=0.0.0.0:1\n[listener a]\nmode=proxy\nupstream=b\n"
        "[listener A]\nlisten=*:80\n[what]\n[upstream c]\nserver=s h:0\n",
        "1: there is no [SECTION] before this line; write for example [server] first\n"
        "3: workers=99 is out of range; write 1 to 64\n"
        "4: the line is indented; remove the blanks at its start\n"
        "4: 'bad' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or '#'\n"
        "6: statistics on 0.0.0.0:1, which is not loopback, need a token; write token=SECRET or "
        "listen=127.0.0.1:8404\n"
        "7: the listener has no listen=; write for example listen=127.0.0.1:8080\n"
        "9: there is no [upstream b]\n"
        "10: listener 'A' is already in line 7; names must differ by more than case\n"
        "10: the listener has no mode=; write mode=echo or mode=proxy\n"
        "11: listen: '*' is not an address; write 127.0.0.1:80 (this machine only), 0.0.0.0:80 (every IPv4 "
        "address) or [::]:80 (IPv4 and IPv6)\n"
        "12: unknown section [what]; there are [server], [stats], [listener NAME] and [upstream NAME]\n"
        "14: server: 'h:0': port 0 cannot be connected to; write a port from 1 to 65535\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_required_keys_are_missed),
        cmocka_unit_test(test_config_wrong_values_are_not_missed_too),
        cmocka_unit_test(test_config_upstream_in_echo_mode_is_an_error),
        cmocka_unit_test(test_config_unknown_upstreams_are_named),
        cmocka_unit_test(test_config_upstreams_may_stand_before_and_be_unused),
        cmocka_unit_test(test_config_sections_of_the_same_name_are_named),
        cmocka_unit_test(test_config_same_address_twice_names_both_lines),
        cmocka_unit_test(test_config_different_addresses_do_not_clash),
        cmocka_unit_test(test_config_listener_on_the_address_of_the_statistics_is_an_error),
        cmocka_unit_test(test_config_statistics_beyond_loopback_need_a_token),
        cmocka_unit_test(test_config_wrong_token_is_not_called_missing_too),
        cmocka_unit_test(test_config_listener_must_not_be_its_own_server),
        cmocka_unit_test(test_config_errors_of_every_kind_come_at_once_in_order),
    };
    return cmocka_run_group_tests_name("config_check", tests, NULL, NULL);
}
