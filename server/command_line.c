#include "command_line.h"

#include "base/compiler.h"
#include "base/limits.h"
#include "base/version.h"
#include "config/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Sets of options, one bit for each of `options`. */
enum { CONFIG = 1, NAME = 2, ACCOUNT = 4, DELAYED = 8, FIREWALL = 16, URL = 32, JSON = 64, WATCH = 128 };

/* What says which fairlead is meant. */
enum { WHICH = CONFIG | NAME | URL };

static const struct option {
    unsigned bit;
    const char *name;
    const char *other_name; /* or NULL */
    const char *value;      /* what is missing in "needs ...", or NULL: it takes none */
    const char *usage;
} options[] = {
    {CONFIG, "--config", "-c", "a file", "[-c FILE]"},
    {NAME, "--name", NULL, "a name", "[--name NAME]"},
    {ACCOUNT, "--account", NULL, "an account", "[--account ACCOUNT]"},
    {DELAYED, "--delayed", NULL, NULL, "[--delayed]"},
    {FIREWALL, "--firewall", NULL, NULL, "[--firewall]"},
    {URL, "--url", NULL, "an address", "[--url URL]"},
    {JSON, "--json", NULL, NULL, "[--json]"},
    {WATCH, "--watch", NULL, NULL, "[--watch]"},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static const struct verb_words {
    const char *name;
    const char *other_name; /* what people also try, or NULL */
    enum verb verb;
    unsigned takes;
    bool either; /* of WHICH it takes one at most */
    bool hidden;
} verbs[] = {
    {"run", NULL, VERB_RUN, CONFIG, false, false},
    {"check", NULL, VERB_CHECK, CONFIG, false, false},
    {"install", NULL, VERB_INSTALL, CONFIG | NAME | ACCOUNT | DELAYED | FIREWALL, false, false},
    {"uninstall", "remove", VERB_UNINSTALL, NAME, false, false},
    {"start", NULL, VERB_START, NAME, false, false},
    {"stop", NULL, VERB_STOP, NAME, false, false},
    {"restart", NULL, VERB_RESTART, NAME, false, false},
    {"reload", NULL, VERB_RELOAD, CONFIG | NAME, true, false},
    {"status", NULL, VERB_STATUS, CONFIG | NAME, true, false},
    {"stats", NULL, VERB_STATS, CONFIG | NAME | URL | JSON | WATCH, true, false},
    {"version", "--version", VERB_VERSION, 0, false, false},
    {"help", "--help", VERB_HELP, 0, false, false},
    {"help", "-h", VERB_HELP, 0, false, false},
    {"help", "/?", VERB_HELP, 0, false, false},
    {"service", NULL, VERB_SERVICE, CONFIG | NAME, false, true},
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

static const char help_text[] =
    "fairlead " FAIRLEAD_VERSION ": TCP echo server and proxy with statistics over HTTP\n"
    "\n"
    "fairlead run       [-c FILE]        serve in the foreground; Ctrl+C drains, a second Ctrl+C stops at "
    "once\n"
    "fairlead check     [-c FILE]        validate the configuration; every error is printed as FILE:LINE: "
    "text\n"
    "fairlead version                    print the version\n"
    "fairlead help                       print this\n"
    "\n"
    "As a Windows service; what changes one needs a console that was started as administrator:\n"
    "fairlead install   [-c FILE] [--name NAME] [--account ACCOUNT] [--delayed] [--firewall]\n"
    "                                    make it a service that starts at boot, or change one that is "
    "there;\n"
    "                                    what is not named stays as it is\n"
    "fairlead uninstall [--name NAME]    stop and remove the service; its configuration and logs stay\n"
    "fairlead start     [--name NAME]    start it and wait until it serves\n"
    "fairlead stop      [--name NAME]    let open sessions finish, for up to drain_timeout, and stop it\n"
    "fairlead restart   [--name NAME]    stop and start, if the configuration is valid\n"
    "fairlead reload    [--name NAME]    put a changed configuration in force without refusing a connection\n"
    "fairlead status    [--name NAME]    what it is, and what it counts; exit code 0 when it runs, otherwise "
    "1\n"
    "\n"
    "Of one that runs, service or not:\n"
    "fairlead stats     [-c FILE | --name NAME | --url URL] [--json] [--watch]\n"
    "                                    what it counts, for each listener and server; as JSON; every second "
    "until\n"
    "                                    Ctrl+C\n"
    "\n"
    "FILE      server.ini beside the executable, or else in the current folder, unless -c names another.\n"
    "          \"reload -c FILE\" and \"status -c FILE\" speak with the process that serves FILE, service or "
    "not.\n"
    "URL       http://HOST:PORT of the statistics; FAIRLEAD_TOKEN in the environment is the token.\n"
    "NAME      of the service, " FAIRLEAD_NAME " unless given: several can run side by side.\n"
    "ACCOUNT   NT SERVICE\\NAME unless given; LocalService, NetworkService, LocalSystem, DOMAIN\\user (asks "
    "for\n"
    "          the password), DOMAIN\\name$ (a managed account).\n"
    "--delayed   start two minutes after boot.\n"
    "--firewall  let Windows' firewall pass connections to the listeners.\n"
    "\n"
    "Exit codes: 0 success; 1 failure at run time; 2 wrong usage or configuration; 3 stopped, but sessions\n"
    "were cut.\n";

const char *command_line_help(void)
{
    return help_text;
}

/* --- what is wrong --- */

PRINTF_LIKE(3, 4)
static void append(char *text, size_t text_bytes, PRINTF_FORMAT const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, text_bytes - length, format, arguments);
    va_end(arguments);
}

static void describe_usage(const struct verb_words *verb, struct command_misuse *misuse)
{
    misuse->usage[0] = '\0';
    append(misuse->usage, sizeof misuse->usage, "usage: fairlead ");
    if (verb != NULL) {
        append(misuse->usage, sizeof misuse->usage, "%s", verb->name);
        for (size_t i = 0; i < OPTIONS; i++) {
            if ((verb->takes & options[i].bit) != 0)
                append(misuse->usage, sizeof misuse->usage, " %s", options[i].usage);
        }
        return;
    }
    const char *before = NULL;
    for (size_t i = 0; i < VERBS; i++) {
        if (!verbs[i].hidden && (before == NULL || strcmp(before, verbs[i].name) != 0))
            append(misuse->usage, sizeof misuse->usage, "%s%s", before == NULL ? "" : " | ", verbs[i].name);
        before = verbs[i].name;
    }
}

/* Answers false, so that a caller can return it. Words are cut, so that there is room for what is said about them. */
PRINTF_LIKE(3, 4)
static bool refuse(const struct verb_words *verb, struct command_misuse *misuse,
                   PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(misuse->sentence, sizeof misuse->sentence, format, arguments);
    va_end(arguments);
    describe_usage(verb, misuse);
    return false;
}

static bool refuse_unknown(const struct verb_words *verb, struct command_misuse *misuse, const char *word,
                           const char *suggestion)
{
    const char *kind = word[0] == '-' ? "unknown option"
                       : verb == NULL ? "unknown command"
                                      : "surplus argument";
    if (suggestion == NULL)
        return refuse(verb, misuse, "%s %.150s", kind, word);
    return refuse(verb, misuse, "%s %.150s; did you mean %s?", kind, word, suggestion);
}

/* --- names --- */

/* A folder cannot have the name of a device, with or without an ending. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    size_t length = strcspn(name, ".");
    char stem[5] = "";

    if (length < 3 || length > 4)
        return false;
    memcpy(stem, name, length);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (text_equal(stem, devices[i]))
            return true;
    }
    bool is_number = length == 4 && stem[3] >= '0' && stem[3] <= '9';
    stem[3] = '\0';
    return is_number && (text_equal(stem, "com") || text_equal(stem, "lpt"));
}

const char *command_line_check_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0)
        return "it is empty";
    for (size_t i = 0; i < length; i++) {
        if (!text_is_letter_or_digit(name[i]) && strchr("._-", name[i]) == NULL)
            return "only letters, digits, dots, hyphens and underscores are possible";
    }
    if (length > SERVICE_NAME_MAX)
        return "it is longer than 80 characters";
    if (!text_is_letter_or_digit(name[0]) || !text_is_letter_or_digit(name[length - 1]))
        return "it must begin and end with a letter or digit";
    if (is_device(name))
        return "Windows has a device of that name";
    return NULL;
}

/* --- parsing --- */

static const struct verb_words *find_verb(const char *word)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(word, verbs[i].name) == 0)
            return &verbs[i];
        if (verbs[i].other_name != NULL && strcmp(word, verbs[i].other_name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static bool refuse_verb(struct command_misuse *misuse, const char *word)
{
    struct text_suggestion suggestion = {.text = word};

    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].hidden)
            continue;
        text_suggest_offer(&suggestion, verbs[i].name);
        if (verbs[i].other_name != NULL)
            text_suggest_offer(&suggestion, verbs[i].other_name);
    }
    return refuse_unknown(NULL, misuse, word, suggestion.best);
}

/* The option whose name is the whole word or stands in front of "="; `value` points behind the "=" or is NULL. */
static const struct option *find_option(const char *word, const char **value)
{
    const char *equals = strchr(word, '=');
    size_t length =
        equals != NULL && word[0] == '-' && word[1] == '-' ? (size_t)(equals - word) : strlen(word);

    *value = word[length] == '=' ? word + length + 1 : NULL;
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *other = options[i].other_name;
        if (strlen(options[i].name) == length && memcmp(word, options[i].name, length) == 0)
            return &options[i];
        if (other != NULL && strlen(other) == length && memcmp(word, other, length) == 0)
            return &options[i];
    }
    return NULL;
}

static bool refuse_option(const struct verb_words *verb, struct command_misuse *misuse, const char *word)
{
    char name[32];
    struct text_suggestion suggestion = {.text = name};

    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    for (size_t i = 0; word[0] == '-' && i < OPTIONS; i++) {
        if ((verb->takes & options[i].bit) != 0)
            text_suggest_offer(&suggestion, options[i].name);
    }
    return refuse_unknown(verb, misuse, word, suggestion.best);
}

static void set_option(const struct option *option, const char *value, struct command *command)
{
    switch (option->bit) {
    case CONFIG:
        command->config = value;
        break;
    case NAME:
        command->name = value;
        break;
    case ACCOUNT:
        command->account = value;
        break;
    case DELAYED:
        command->delayed = true;
        break;
    case FIREWALL:
        command->firewall = true;
        break;
    case URL:
        command->url = value;
        break;
    case JSON:
        command->json = true;
        break;
    default:
        command->watch = true;
        break;
    }
}

/* Takes one option, with its value if that is the next word, and moves `*words` behind it. */
static bool take_option(const struct verb_words *verb, char *const **words, unsigned *given,
                        struct command *command, struct command_misuse *misuse)
{
    const char *word = *(*words)++;
    const char *value;
    const char *unused;
    const struct option *option = find_option(word, &value);
    int length = (int)(value == NULL ? strlen(word) : (size_t)(value - word) - 1);

    if (verb->takes == 0)
        return refuse(verb, misuse, "%s takes no arguments, but there is %.150s", verb->name, word);
    if (option == NULL)
        return refuse_option(verb, misuse, word);
    if ((verb->takes & option->bit) == 0)
        return refuse(verb, misuse, "%s takes no %.*s", verb->name, length, word);
    if ((*given & option->bit) != 0)
        return refuse(verb, misuse, "option %.*s is given twice", length, word);
    *given |= option->bit;
    if (option->value == NULL && value != NULL)
        return refuse(verb, misuse, "option %.*s takes no value", length, word);
    if (option->value != NULL && value == NULL && **words != NULL) {
        value = *(*words)++;
        if (find_option(value, &unused) != NULL)
            return refuse(verb, misuse, "option %s needs %s, but %.150s follows", word, option->value, value);
    }
    if (option->value != NULL && (value == NULL || value[0] == '\0'))
        return refuse(verb, misuse, "option %.*s needs %s", length, word, option->value);
    set_option(option, value, command);
    return true;
}

static bool check_command(const struct verb_words *verb, unsigned given, const struct command *command,
                          struct command_misuse *misuse)
{
    const char *wrong = command->name != NULL ? command_line_check_name(command->name) : NULL;

    if (wrong != NULL)
        return refuse(verb, misuse, "no service can be called %.150s: %s", command->name, wrong);
    unsigned which = given & WHICH;
    if (verb->either && (which & (which - 1)) != 0)
        return refuse(verb, misuse, "%s and %s both say which fairlead is meant; give one of them",
                      (which & NAME) != 0 ? "--name" : "--url", (which & CONFIG) != 0 ? "--config" : "--url");
    if (verb->hidden && given != verb->takes)
        return refuse(verb, misuse,
                      "%s is for Windows' service manager; you may want fairlead run, install or start",
                      verb->name);
    return true;
}

bool command_line_parse(char *const *words, struct command *command, struct command_misuse *misuse)
{
    unsigned given = 0;

    memset(command, 0, sizeof *command);
    command->verb = VERB_HELP;
    if (*words == NULL)
        return true;
    const struct verb_words *verb = find_verb(*words);
    if (verb == NULL)
        return refuse_verb(misuse, *words);
    command->verb = verb->verb;
    words++;
    while (*words != NULL) {
        if (!take_option(verb, &words, &given, command, misuse))
            return false;
    }
    return check_command(verb, given, command, misuse);
}
