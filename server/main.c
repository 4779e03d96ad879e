/* main: the verbs of the command line (DESIGN section 4). Results go to standard output, messages to standard
 * error. */
#include "base/memory.h"
#include "base/version.h"
#include "config/config.h"
#include "config/text.h"
#include "host/config_file.h"
#include "host/console.h"
#include "host/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_RUN_TIME = 1, EXIT_USAGE = 2 };

static const char usage_line[] = "usage: fairlead run [-c FILE] | check [-c FILE] | version | help";

static const char usage_text[] =
    "fairlead " FAIRLEAD_VERSION ": TCP echo server and proxy with statistics over HTTP\n"
    "\n"
    "fairlead run   [-c FILE]   serve in the foreground; Ctrl+C drains, a second Ctrl+C stops at once\n"
    "fairlead check [-c FILE]   validate the configuration; every error is printed as FILE:LINE: text\n"
    "fairlead version           print the version\n"
    "fairlead help              print this\n"
    "\n"
    "FILE is " CONFIG_FILE_NAME
    " beside the executable, or else in the current folder, unless -c names another.\n"
    "Exit codes: 0 success; 1 failure at run time; 2 wrong usage or configuration; 3 stopped, but sessions\n"
    "were cut.\n";

/* --- the verbs --- */

static int run(const char *file)
{
    char *path = config_file_find(file);
    if (path == NULL)
        return EXIT_USAGE;
    int code = EXIT_USAGE;
    struct config *config = config_file_load(path, "; nothing was started");
    if (config != NULL)
        code = console_run(config);
    memory_free(path);
    return code;
}

static int check(const char *file)
{
    char *path = config_file_find(file);
    if (path == NULL)
        return EXIT_USAGE;
    struct config *config = config_file_load(path, "");
    if (config != NULL)
        printf("%s is valid: %zu listener%s, %zu upstream%s\n", path, config->listeners_count,
               config->listeners_count == 1 ? "" : "s", config->upstreams_count,
               config->upstreams_count == 1 ? "" : "s");
    int code = config != NULL ? EXIT_OK : EXIT_USAGE;
    config_free(config);
    memory_free(path);
    return code;
}

static int version(const char *file)
{
    (void)file;
    puts("fairlead " FAIRLEAD_VERSION);
    return EXIT_OK;
}

static int help(const char *file)
{
    (void)file;
    fputs(usage_text, stdout);
    return EXIT_OK;
}

struct verb {
    const char *name;
    const char *other_name; /* what people also try, or NULL */
    bool takes_file;
    int (*perform)(const char *file);
};

static const struct verb verbs[] = {
    {"run", NULL, true, run},        {"check", NULL, true, check}, {"version", "--version", false, version},
    {"help", "--help", false, help}, {"help", "-h", false, help},  {"help", "/?", false, help},
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

/* --- the command line --- */

/* What is wrong with the command line in a sentence, and how it is right. */
static int misuse(const char *sentence, const char *word, const char *rest)
{
    fprintf(stderr, "fairlead: %s %s%s\n%s\n", sentence, word, rest, usage_line);
    return EXIT_USAGE;
}

static const struct verb *find_verb(const char *word)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(word, verbs[i].name) == 0)
            return &verbs[i];
        if (verbs[i].other_name != NULL && strcmp(word, verbs[i].other_name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static int unknown_verb(const char *word)
{
    struct text_suggestion suggestion = {.text = word};
    char rest[64] = "";

    for (size_t i = 0; i < VERBS; i++) {
        text_suggest_offer(&suggestion, verbs[i].name);
        if (verbs[i].other_name != NULL)
            text_suggest_offer(&suggestion, verbs[i].other_name);
    }
    if (suggestion.best != NULL)
        snprintf(rest, sizeof rest, "; did you mean %s?", suggestion.best);
    return misuse(word[0] == '-' ? "unknown option" : "unknown command", word, rest);
}

static int perform(const struct verb *verb, char **arguments)
{
    const char *file = NULL;

    for (; *arguments != NULL; arguments++) {
        if (!verb->takes_file)
            return misuse(verb->name, "takes no arguments, but there is ", *arguments);
        if (strcmp(*arguments, "-c") != 0)
            return misuse((*arguments)[0] == '-' ? "unknown option" : "surplus argument", *arguments, "");
        if (file != NULL)
            return misuse("option", *arguments, " is given twice");
        file = *++arguments;
        if (file == NULL || file[0] == '\0')
            return misuse("option", "-c", " needs a file");
    }
    return verb->perform(file);
}

int main(void)
{
    size_t count = 0;
    int code = EXIT_RUN_TIME;

    process_prepare();
    char **arguments = process_arguments(&count);
    if (arguments == NULL)
        fputs("fairlead: out of memory\n", stderr);
    else if (count < 2)
        code = help(NULL);
    else if (find_verb(arguments[1]) == NULL)
        code = unknown_verb(arguments[1]);
    else
        code = perform(find_verb(arguments[1]), arguments + 2);
    process_end();
    return code;
}
