/*
 * command_line: what the words on the command line ask for.
 *
 * Words become a struct command, or one sentence that says what is wrong with them and one line that says how it is right. Nothing is
 * looked up and nothing is done. Pure; any thread. Texts in the command are the caller's words, so they live as long as those.
 */
#ifndef FAIRLEAD_COMMAND_LINE_H
#define FAIRLEAD_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum verb {
    VERB_RUN,
    VERB_CHECK,
    VERB_INSTALL,
    VERB_UNINSTALL,
    VERB_START,
    VERB_STOP,
    VERB_RESTART,
    VERB_RELOAD,
    VERB_STATUS,
    VERB_STATS,
    VERB_VERSION,
    VERB_HELP,
    VERB_SERVICE /* hidden: how the service manager starts a service; always with name and config */
};

/* NULL: not given. */
struct command {
    enum verb verb;
    const char *name; /* valid by command_line_check_name */
    const char *config;
    const char *account;
    const char *url;
    bool delayed;
    bool firewall;
    bool json;
    bool watch;
};

struct command_misuse {
    char sentence[400]; /* "unknown command chekc; did you mean check?" */
    char usage[400];    /* "usage: fairlead check [-c FILE]" */
};

/* `words` ends in NULL and begins after the program's name; without a word help is asked for. False: `misuse` says why, and the
 * command is not to be used. */
bool command_line_parse(char *const *words, struct command *command, struct command_misuse *misuse);

/* NULL when a service may have this name, or else what is wrong with it. The name is a part of paths, of the account and of the
 * command line that the service manager keeps, so it is kept to letters, digits, dots, hyphens and underscores. */
const char *command_line_check_name(const char *name);

/* All verbs with their options, and the exit codes; many lines. */
const char *command_line_help(void);

#endif
