/* The format of server.ini: lines, encodings, sections, and what inih alone would cut or skip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_config_lines_may_end_in_crlf_and_the_last_in_nothing(void **state)
{
    struct config *config = expect_config("[listener e]\r\nlisten=127.0.0.1:1\r\n\r\nmode=echo");

    (void)state;
    assert_string_equal(config->listeners[0].endpoints[0].text, "127.0.0.1:1");
    assert_int_equal(config->listeners[0].mode, CONFIG_MODE_ECHO);
    config_free(config);
}

static void test_config_byte_order_mark_of_utf8_is_skipped(void **state)
{
    (void)state;
    config_free(expect_config("\xef\xbb\xbf[listener e]\nlisten=127.0.0.1:1\nmode=echo\n"));
    config_free(expect_config("\xef\xbb\xbf; comment\n" COMPLETE));
    expect_errors("\xef\xbb\xbf", "0: there is no [listener NAME] section, so there is nothing to serve\n");
}

static void test_config_utf16_and_utf32_are_named(void **state)
{
    static const char utf16[] = "1: the file is UTF-16; save it as UTF-8\n";
    static const char unmarked[] = "1: the file is UTF-16 (without a byte order mark); save it as UTF-8\n";
    static const char utf32[] = "1: the file is UTF-32; save it as UTF-8\n";

    (void)state;
    expect_errors_of_bytes("\xff\xfe[\0s\0", 6, utf16);
    expect_errors_of_bytes("\xfe\xff\0[\0s", 6, utf16);
    expect_errors_of_bytes("\xff\xfe", 2, utf16);
    expect_errors_of_bytes("[\0s\0", 4, unmarked);
    expect_errors_of_bytes("\0[\0s", 4, unmarked);
    expect_errors_of_bytes("\xff\xfe\0\0[\0\0\0", 8, utf32);
    expect_errors_of_bytes("\0\0\xfe\xff\0\0\0[", 8, utf32);
}

static void test_config_nul_control_and_foreign_bytes_are_named_with_their_line(void **state)
{
    static const char nul[] = COMPLETE "; a\0b\nmo\0de=echo\n[\0\n";

    (void)state;
    expect_errors_of_bytes(nul, sizeof nul - 1,
                           "4: the line has a NUL byte in it: this is not a text file\n"
                           "5: the line has a NUL byte in it: this is not a text file\n"
                           "6: the line has a NUL byte in it: this is not a text file\n");
    expect_errors(COMPLETE "idle_timeout=1\x1bm\n; \x7f\n",
                  "4: the line has a control character in it (0x1b at byte 15)\n"
                  "5: the line has a control character in it (0x7f at byte 3)\n");
    expect_errors(COMPLETE "idle_timeout=1m\rmax_sessions=5\n",
                  "4: the line has a control character in it (0x0d at byte 16); lines end in LF or CRLF\n");
    expect_errors(COMPLETE "; gr\xfc\xdf\n",
                  "4: the line is not UTF-8 (0xfc at byte 5); save the file as UTF-8\n");
}

static void test_config_utf8_is_fine_in_comments_and_paths(void **state)
{
    struct config *config =
        expect_config(COMPLETE "; gr\xc3\xbc\xc3\x9f\n[server]\nlog_file=/gr\xc3\xbcn.log\n");

    (void)state;
    assert_string_equal(config->server.log_file, "/gr\xc3\xbcn.log");
    config_free(config);
}

static void test_config_comments_and_blanks_around_are_ignored(void **state)
{
    struct config *config = expect_config("; one\n# two\n   ; indented\n\t\n\n[ listener   e ] ; behind\n"
                                          "listen = 127.0.0.1:1\t; behind\nmode\t=echo   \n[server]#\n");

    (void)state;
    assert_string_equal(config->listeners[0].name, "e");
    assert_string_equal(config->listeners[0].endpoints[0].text, "127.0.0.1:1");
    config_free(config);
}

static void test_config_hash_behind_a_value_is_named(void **state)
{
    (void)state;
    expect_errors(COMPLETE "idle_timeout=10m # ten\n",
                  "4: idle_timeout: a comment after a value starts with ';', not with '#'\n");
}

static void test_config_long_lines_are_named_and_long_comments_are_not(void **state)
{
    char text[1024];
    struct config *config;

    (void)state;
    /* 198 bytes: the longest. */
    snprintf(text, sizeof text, COMPLETE "[server]\nlog_file=/%0188d\n", 1);
    config = expect_config(text);
    assert_int_equal(strlen(config->server.log_file), 189);
    config_free(config);
    snprintf(text, sizeof text, COMPLETE "[server]\nlog_file=/%0189d\n", 1);
    expect_errors(text, "5: the line has 199 bytes; at most 198 are possible\n");
    snprintf(text, sizeof text, COMPLETE "[server]\nlog_file=/%0600d\n", 1);
    expect_errors(text, "5: the line has 610 bytes; at most 198 are possible\n");
    snprintf(text, sizeof text, COMPLETE ";%0600d\n  # %0300d\n", 1, 1);
    config_free(expect_config(text));
}

static void test_config_long_section_names_are_named(void **state)
{
    char text[1024];

    (void)state;
    snprintf(text, sizeof text, "[listener %040d]\nlisten=127.0.0.1:1\nmode=echo\n", 1);
    config_free(expect_config(text));
    snprintf(text, sizeof text, COMPLETE "[listener %041d]\n", 1);
    expect_errors(text, "4: the name of the section has 50 bytes; at most 49 are possible\n");
    snprintf(text, sizeof text, COMPLETE "[listener %0300d]\nnonsense=1\n", 1);
    expect_errors(text, "4: the line has 311 bytes; at most 198 are possible\n");
}

static void test_config_indented_lines_are_named_and_still_read(void **state)
{
    (void)state;
    expect_errors(COMPLETE "  idle_timeout=5\n\t[listner x]\n",
                  "4: the line is indented; remove the blanks at its start\n"
                  "4: idle_timeout=5 has no unit; write idle_timeout=5s for seconds (units: ms, s, m, h, d)\n"
                  "5: the line is indented; remove the blanks at its start\n"
                  "5: unknown section [listner]; did you mean [listener NAME]?\n");
}

static void test_config_lines_that_are_nothing_are_named(void **state)
{
    (void)state;
    expect_errors(
        COMPLETE "nonsense\nidle_timeout: 5m\nidle_timeout:5m = 3\n= 5m\nid(le=5\n"
                 "idle_timeout ;=5m\n\xef\xbb\xbfmode=echo\n",
        "4: 'nonsense' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or '#'\n"
        "5: 'idle_timeout: 5m': write KEY=VALUE, with '=' instead of ':'\n"
        "6: 'idle_timeout:5m = 3': write KEY=VALUE, with '=' instead of ':'\n"
        "7: '= 5m' has no key before the '='\n"
        "8: 'id(le=5' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or '#'\n"
        "9: 'idle_timeout ;=5m' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or '#'\n"
        "10: '\\xef\\xbb\\xbfmode=echo' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or "
        "'#'\n");
}

static void test_config_text_before_the_first_section_is_named_once(void **state)
{
    (void)state;
    expect_errors("; comment\nworkers=1\nretries=x\n" COMPLETE,
                  "2: there is no [SECTION] before this line; write for example [server] first\n");
}

static void test_config_broken_sections_are_named_and_their_keys_passed_over(void **state)
{
    (void)state;
    expect_errors(
        COMPLETE "[server\nanything=1\n[server] workers=1\nanything=1\n[listener a ; b]\nanything=1\n"
                 "[]\nanything=1\n[[server]]\n[serv]\nanything=1\n[frontend web]\n",
        "4: the section has no ']' at its end\n"
        "6: there is text after the ']' of the section; write it on its own line\n"
        "8: the section has no ']' at its end\n"
        "10: unknown section []; there are [server], [stats], [listener NAME] and [upstream NAME]\n"
        "12: there is text after the ']' of the section; write it on its own line\n"
        "13: unknown section [serv]; did you mean [server]?\n"
        "15: unknown section [frontend]; there are [server], [stats], [listener NAME] and [upstream "
        "NAME]\n");
}

static void test_config_empty_sections_lack_what_they_need(void **state)
{
    (void)state;
    expect_errors("[listener x]\n[upstream y]\n[server]\n[stats]",
                  "1: the listener has no listen=; write for example listen=127.0.0.1:8080\n"
                  "1: the listener has no mode=; write mode=echo or mode=proxy\n"
                  "2: the upstream has no server=; write for example server=one 127.0.0.1:8888\n");
}

static void test_config_empty_file_has_nothing_to_serve(void **state)
{
    (void)state;
    expect_errors("", "0: there is no [listener NAME] section, so there is nothing to serve\n");
    expect_errors("[server]\n", "0: there is no [listener NAME] section, so there is nothing to serve\n");
}

static void test_config_errors_keep_to_their_limit_and_count_the_rest(void **state)
{
    struct config_errors errors = {0};
    char *text = calloc(1, 4 * 3000 + 1);

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 3000; i++)
        memcpy(text + 4 * i, "bad\n", 4);
    assert_null(config_parse("test.ini", text, strlen(text), &errors));
    assert_int_equal(errors.count, 1000);
    assert_int_equal(errors.lost, 2001); /* and that there is no listener */
    assert_int_equal(errors.items[999].line, 1000);
    config_errors_free(&errors);
    free(text);
}

static void test_config_sections_and_addresses_have_a_limit(void **state)
{
    char *text = malloc(5000 * 32);
    size_t length = 0;

    (void)state;
    assert_non_null(text);
    length = (size_t)sprintf(text, COMPLETE);
    for (int i = 0; i < 4200; i++)
        length += (size_t)sprintf(text + length, "listen=127.0.0.1:0\n");
    expect_errors(text, "4099: there are more than 4096 addresses to listen on\n");
    length = (size_t)sprintf(text, COMPLETE);
    for (int i = 0; i < 4200; i++)
        length += (size_t)sprintf(text + length, "[upstream u%d]\nserver=s h:%d\n", i, i + 1);
    expect_errors(text, "8194: there are more than 4096 sections\n");
    free(text);
}

static void test_config_load_names_files_that_cannot_be_read(void **state)
{
    struct config_errors errors = {0};
    char path[] = "build/test-config-XXXX.ini";

    (void)state;
    assert_null(config_load("build/no-such-file.ini", &errors));
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.items[0].line, 0);
    assert_non_null(strstr(errors.items[0].text, "the file cannot be opened: "));
    config_errors_free(&errors);
    assert_null(config_load(".", &errors));
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(errors.items[0].text, "the file cannot be "));
    config_errors_free(&errors);

    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 1024 * 1024 + 1; i++)
        fputc(';', file);
    fclose(file);
    assert_null(config_load(path, &errors));
    remove(path);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].text,
                        "the file is larger than 1048576 bytes, so it is hardly a server.ini");
    config_errors_free(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_lines_may_end_in_crlf_and_the_last_in_nothing),
        cmocka_unit_test(test_config_byte_order_mark_of_utf8_is_skipped),
        cmocka_unit_test(test_config_utf16_and_utf32_are_named),
        cmocka_unit_test(test_config_nul_control_and_foreign_bytes_are_named_with_their_line),
        cmocka_unit_test(test_config_utf8_is_fine_in_comments_and_paths),
        cmocka_unit_test(test_config_comments_and_blanks_around_are_ignored),
        cmocka_unit_test(test_config_hash_behind_a_value_is_named),
        cmocka_unit_test(test_config_long_lines_are_named_and_long_comments_are_not),
        cmocka_unit_test(test_config_long_section_names_are_named),
        cmocka_unit_test(test_config_indented_lines_are_named_and_still_read),
        cmocka_unit_test(test_config_lines_that_are_nothing_are_named),
        cmocka_unit_test(test_config_text_before_the_first_section_is_named_once),
        cmocka_unit_test(test_config_broken_sections_are_named_and_their_keys_passed_over),
        cmocka_unit_test(test_config_empty_sections_lack_what_they_need),
        cmocka_unit_test(test_config_empty_file_has_nothing_to_serve),
        cmocka_unit_test(test_config_errors_keep_to_their_limit_and_count_the_rest),
        cmocka_unit_test(test_config_sections_and_addresses_have_a_limit),
        cmocka_unit_test(test_config_load_names_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("config_file", tests, NULL, NULL);
}
