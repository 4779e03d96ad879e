/*
 * config_draft: a configuration while it is being read.
 *
 * Beside the struct config it knows what only the checks need: which keys a section has and in which lines. The loader
 * opens sections and sets keys in the order of the file; every trouble becomes an error and reading goes on.
 * Internal to config/. Not thread-safe.
 */
#ifndef FAIRLEAD_CONFIG_DRAFT_H
#define FAIRLEAD_CONFIG_DRAFT_H

#include "config/config.h"
#include "config/config_arena.h"
#include "config/config_errors.h"
#include "config/config_keys.h"

struct config_section {
    enum config_scope scope;
    const char *name; /* listener, upstream: NULL when missing or wrong, which was reported */
    unsigned line;
    size_t index;                        /* listener, upstream: into the configuration's array */
    const char *upstream;                /* listener: upstream=, still a name */
    bool mode_known;                     /* listener: mode= was there and right */
    unsigned key_lines[CONFIG_KEYS_MAX]; /* where the key of that row was first set; 0 = not at all */
};

struct config_draft {
    struct config *config;
    struct config_arena *arena;
    struct config_errors *errors;
    struct config_section *sections; /* in the order of the file */
    size_t sections_count;
    size_t endpoints_count;
    bool sections_full;    /* CONFIG_SECTIONS_MAX was reported */
    bool outside_reported; /* text before the first section was reported */
    enum { DRAFT_OUTSIDE, DRAFT_INSIDE, DRAFT_SKIPPING } place; /* in the last of `sections`, or in none */
};

/* An empty configuration with its defaults; `name` is the path for struct config. False: out of memory. */
bool config_draft_begin(struct config_draft *draft, const char *name, struct config_errors *errors);

/* Opens a section of the file; `name` is what stands in the brackets, NULL when it could not be read. */
void config_draft_open_section(struct config_draft *draft, unsigned line, const char *name,
                               size_t name_bytes);

/* Sets a key of the section that was opened last. */
void config_draft_set_key(struct config_draft *draft, unsigned line, const char *name, const char *value);

/* The line of `key` in the section, 0 when it is not there. */
unsigned config_draft_key_line(const struct config_section *section, const char *key);

/* What concerns more than one key: what is missing, what contradicts, which name is meant. config_check.c. */
void config_check(struct config_draft *draft);

#endif
