/* command_line: words to commands, and what is said about words that make none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "command_line.h"

#include <string.h>

enum { WORDS_MAX = 12 };

/* The words of a line parted by single blanks; "_" stands for an empty word. */
static bool parse(const char *line, struct command *command, struct command_misuse *misuse)
{
    static char copy[400];
    static char *words[WORDS_MAX + 1];
    size_t count = 0;

    assert_true(strlen(line) < sizeof copy);
    memcpy(copy, line, strlen(line) + 1);
    memset(misuse, 0, sizeof *misuse);
    for (char *next = copy; *next != '\0' && count < WORDS_MAX;) {
        words[count] = next;
        next += strcspn(next, " ");
        if (*next == ' ')
            *next++ = '\0';
        if (strcmp(words[count], "_") == 0)
            words[count][0] = '\0';
        count++;
    }
    words[count] = NULL;
    return command_line_parse(words, command, misuse);
}

static void expect(const char *line, enum verb verb, const char *name, const char *config,
                   const char *account, bool delayed, bool firewall)
{
    struct command command;
    struct command_misuse misuse;
    const char *const got_wanted[][2] = {{NULL, name}, {NULL, config}, {NULL, account}};

    if (!parse(line, &command, &misuse))
        fail_msg("%s: %s", line, misuse.sentence);
    const char *got[] = {command.name, command.config, command.account};
    assert_int_equal(command.verb, verb);
    for (size_t i = 0; i < 3; i++) {
        const char *wanted = got_wanted[i][1];
        if (wanted == NULL)
            assert_null(got[i]);
        else
            assert_string_equal(got[i], wanted);
    }
    assert_int_equal(command.delayed, delayed);
    assert_int_equal(command.firewall, firewall);
}

static void test_every_verb_is_known(void **state)
{
    (void)state;
    expect("", VERB_HELP, NULL, NULL, NULL, false, false);
    expect("help", VERB_HELP, NULL, NULL, NULL, false, false);
    expect("--help", VERB_HELP, NULL, NULL, NULL, false, false);
    expect("-h", VERB_HELP, NULL, NULL, NULL, false, false);
    expect("/?", VERB_HELP, NULL, NULL, NULL, false, false);
    expect("version", VERB_VERSION, NULL, NULL, NULL, false, false);
    expect("--version", VERB_VERSION, NULL, NULL, NULL, false, false);
    expect("run", VERB_RUN, NULL, NULL, NULL, false, false);
    expect("check", VERB_CHECK, NULL, NULL, NULL, false, false);
    expect("install", VERB_INSTALL, NULL, NULL, NULL, false, false);
    expect("uninstall", VERB_UNINSTALL, NULL, NULL, NULL, false, false);
    expect("remove", VERB_UNINSTALL, NULL, NULL, NULL, false, false);
    expect("start", VERB_START, NULL, NULL, NULL, false, false);
    expect("stop", VERB_STOP, NULL, NULL, NULL, false, false);
    expect("restart", VERB_RESTART, NULL, NULL, NULL, false, false);
    expect("reload", VERB_RELOAD, NULL, NULL, NULL, false, false);
    expect("status", VERB_STATUS, NULL, NULL, NULL, false, false);
    expect("stats", VERB_STATS, NULL, NULL, NULL, false, false);
    expect("service --name n -c f", VERB_SERVICE, "n", "f", NULL, false, false);
}

static void test_options_take_their_value_either_way(void **state)
{
    (void)state;
    expect("run -c a.ini", VERB_RUN, NULL, "a.ini", NULL, false, false);
    expect("run --config a.ini", VERB_RUN, NULL, "a.ini", NULL, false, false);
    expect("run --config=a=b.ini", VERB_RUN, NULL, "a=b.ini", NULL, false, false);
    expect("check -c -x.ini", VERB_CHECK, NULL, "-x.ini", NULL, false, false);
    expect("start --name web", VERB_START, "web", NULL, NULL, false, false);
    expect("status --name=web-2.a_b", VERB_STATUS, "web-2.a_b", NULL, NULL, false, false);
    expect("reload -c x", VERB_RELOAD, NULL, "x", NULL, false, false);
    expect("install --firewall --account=NT\\x$ --name a -c f --delayed", VERB_INSTALL, "a", "f", "NT\\x$",
           true, true);
    expect("install --delayed", VERB_INSTALL, NULL, NULL, NULL, true, false);
}

static void test_stats_may_be_of_an_address_and_in_several_forms(void **state)
{
    struct command command;
    struct command_misuse misuse;
    (void)state;

    expect("stats --name web --watch", VERB_STATS, "web", NULL, NULL, false, false);
    expect("stats -c a.ini --json", VERB_STATS, NULL, "a.ini", NULL, false, false);
    assert_true(parse("stats --json --url http://127.0.0.1:1/stats --watch", &command, &misuse));
    assert_string_equal(command.url, "http://127.0.0.1:1/stats");
    assert_true(command.json && command.watch);
    assert_true(parse("stats", &command, &misuse));
    assert_null(command.url);
    assert_false(command.json || command.watch);
}

static void test_misuse_is_said_in_a_sentence(void **state)
{
    static const char *const cases[][2] = {
        {"chekc", "unknown command chekc; did you mean check?"},
        {"rnu", "unknown command rnu; did you mean run?"},
        {"unistall", "unknown command unistall; did you mean uninstall?"},
        {"strat", "unknown command strat; did you mean start?"},
        {"servic", "unknown command servic"}, /* the hidden verb is not offered */
        {"--hepl", "unknown option --hepl; did you mean --help?"},
        {"frobnicate", "unknown command frobnicate"},
        {"_", "unknown command "},
        {"-x", "unknown option -x"},
        {"run -x", "unknown option -x"},
        {"install --acount x", "unknown option --acount; did you mean --account?"},
        {"install --nmae=x", "unknown option --nmae=x; did you mean --name?"},
        {"install -c=x", "unknown option -c=x"},
        {"run server.ini", "surplus argument server.ini"},
        {"check -c a.ini b.ini", "surplus argument b.ini"},
        {"check -c", "option -c needs a file"},
        {"check -c _", "option -c needs a file"},
        {"check --config=", "option --config needs a file"},
        {"start --name", "option --name needs a name"},
        {"install --account", "option --account needs an account"},
        {"install --name --delayed", "option --name needs a name, but --delayed follows"},
        {"install -c --name=x", "option -c needs a file, but --name=x follows"},
        {"check -c a.ini -c b.ini", "option -c is given twice"},
        {"check -c a.ini --config=b.ini", "option --config is given twice"},
        {"install --delayed --delayed", "option --delayed is given twice"},
        {"install --delayed=yes", "option --delayed takes no value"},
        {"version -c", "version takes no arguments, but there is -c"},
        {"status --firewall", "status takes no --firewall"},
        {"start -c x", "start takes no -c"},
        {"run --name=x", "run takes no --name"},
        {"status --name x -c y", "--name and --config both say which fairlead is meant; give one of them"},
        {"stats --name x -c y", "--name and --config both say which fairlead is meant; give one of them"},
        {"stats --url x --name y", "--name and --url both say which fairlead is meant; give one of them"},
        {"stats --url x -c y", "--url and --config both say which fairlead is meant; give one of them"},
        {"stats --url", "option --url needs an address"},
        {"stats --json=yes", "option --json takes no value"},
        {"stats --wach", "unknown option --wach; did you mean --watch?"},
        {"status --json", "status takes no --json"},
        {"run --url=x", "run takes no --url"},
        {"start --name a/b",
         "no service can be called a/b: only letters, digits, dots, hyphens and underscores "
         "are possible"},
        {"start --name .a", "no service can be called .a: it must begin and end with a letter or digit"},
        {"start --name nul.x", "no service can be called nul.x: Windows has a device of that name"},
        {"service", "service is for Windows' service manager; you may want fairlead run, install or start"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct command command;
        struct command_misuse misuse;
        assert_false(parse(cases[i][0], &command, &misuse));
        assert_string_equal(misuse.sentence, cases[i][1]);
    }
}

static void test_misuse_shows_the_usage_of_what_was_meant(void **state)
{
    struct command command;
    struct command_misuse misuse;
    (void)state;

    assert_false(parse("frobnicate", &command, &misuse));
    assert_string_equal(misuse.usage,
                        "usage: fairlead run | check | install | uninstall | start | stop | restart | "
                        "reload | status | stats | version | help");
    assert_false(parse("check -x", &command, &misuse));
    assert_string_equal(misuse.usage, "usage: fairlead check [-c FILE]");
    assert_false(parse("install -x", &command, &misuse));
    assert_string_equal(misuse.usage, "usage: fairlead install [-c FILE] [--name NAME] [--account ACCOUNT] "
                                      "[--delayed] [--firewall]");
    assert_false(parse("version x", &command, &misuse));
    assert_string_equal(misuse.usage, "usage: fairlead version");
}

static void test_names_that_make_no_folder_or_account_are_refused(void **state)
{
    static const char *const good[] = {"a",     "fairlead", "web-2", "A.b_c", "console",
                                       "nullx", "com",      "com10", "conx.y"};
    static const char *const bad[] = {"",   " ",   "a b", "a\\b", "a/b",  "a\"b",  "-a",       "a-",   "a.",
                                      "..", "con", "NUL", "com1", "LPT9", "prn.x", "\xc3\xbc", "a\nb", "a:b"};
    char longest[82];
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(command_line_check_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(command_line_check_name(bad[i]));
    memset(longest, 'a', sizeof longest);
    longest[80] = '\0';
    assert_null(command_line_check_name(longest));
    longest[80] = 'a';
    longest[81] = '\0';
    assert_non_null(command_line_check_name(longest));
}

static void test_long_words_are_cut_and_not_the_sentence(void **state)
{
    static char word[5000];
    char *words[] = {"status", "--name", word, NULL};
    struct command command;
    struct command_misuse misuse;
    (void)state;

    memset(word, '/', sizeof word - 1);
    assert_false(command_line_parse(words, &command, &misuse));
    assert_non_null(strstr(misuse.sentence, ": only letters"));
    memset(word, '-', sizeof word - 1);
    words[1] = word;
    assert_false(command_line_parse(words, &command, &misuse));
    assert_non_null(strstr(misuse.sentence, "unknown option ---"));
    words[0] = word;
    assert_false(command_line_parse(words, &command, &misuse));
}

/* Whatever the words are: a command or a sentence with its usage, and no byte beyond. */
static void test_any_words_make_a_command_or_a_sentence(void **state)
{
    static char *const pieces[] = {"run",       "install", "status",   "service",   "version",   "--name",
                                   "--name=x",  "-c",      "--config", "--config=", "--delayed", "--firewall",
                                   "--account", "=",       "-",        "--",        "",          "x",
                                   "x y",       "--name=", "reload",   "\"",        "\xff"};
    uint64_t random = 7;
    (void)state;

    for (unsigned round = 0; round < 100000; round++) {
        char *words[7];
        size_t count = random_next(&random) % 7;
        struct command command;
        struct command_misuse misuse = {.sentence = "", .usage = ""};

        for (size_t i = 0; i < count; i++)
            words[i] = pieces[random_next(&random) % (sizeof pieces / sizeof pieces[0])];
        words[count] = NULL;
        if (command_line_parse(words, &command, &misuse)) {
            assert_true(command.verb <= VERB_SERVICE);
            assert_true(command.name == NULL || command_line_check_name(command.name) == NULL);
            assert_true(command.verb != VERB_SERVICE || (command.name != NULL && command.config != NULL));
        } else {
            assert_true(strlen(misuse.sentence) > 0);
            assert_memory_equal(misuse.usage, "usage: fairlead ", 16);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_is_known),
        cmocka_unit_test(test_options_take_their_value_either_way),
        cmocka_unit_test(test_stats_may_be_of_an_address_and_in_several_forms),
        cmocka_unit_test(test_misuse_is_said_in_a_sentence),
        cmocka_unit_test(test_misuse_shows_the_usage_of_what_was_meant),
        cmocka_unit_test(test_names_that_make_no_folder_or_account_are_refused),
        cmocka_unit_test(test_long_words_are_cut_and_not_the_sentence),
        cmocka_unit_test(test_any_words_make_a_command_or_a_sentence),
    };
    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
