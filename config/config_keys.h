/*
 * config_keys: the one table of what server.ini may hold.
 *
 * A row is a key of a section: its name, its default as it would be written, the function that reads its value, the
 * field it goes to and its range. A row without a function is a key that Fairlead will know, and says so. To add a
 * key: one field in config.h, one row here, one row in docs/configuration.md (a test compares the two).
 */
#ifndef FAIRLEAD_CONFIG_KEYS_H
#define FAIRLEAD_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_scope { CONFIG_SERVER, CONFIG_STATS, CONFIG_LISTENER, CONFIG_UPSTREAM };

enum { CONFIG_SCOPES = 4, CONFIG_KEYS_MAX = 64 };

/* How often a key may be set in one section, and whether its value may hold anything, " #" included. */
enum config_key_form { CONFIG_ONCE, CONFIG_REPEATABLE, CONFIG_FREE_TEXT };

struct config_draft;
struct config_section;
struct config_key;

/* One value on its way into the configuration. */
struct config_value {
    struct config_draft *draft;
    struct config_section *section; /* NULL for defaults */
    const struct config_key *key;
    const char *text; /* not empty */
    unsigned line;    /* 0 for defaults */
    void *object;     /* the section's own struct in config.h */
    void *field;      /* key->offset bytes into it */
};

typedef void config_setter(const struct config_value *value);

struct config_key {
    enum config_scope scope;
    enum config_key_form form;
    const char *name;
    const char *
        standard; /* the default; "" = none, and the key may then be written without a value; NULL = no default */
    config_setter *set; /* NULL: not supported by this version */
    size_t offset;
    uint32_t min;
    uint32_t max;
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

/* "server", "stats", "listener", "upstream". */
const char *config_scope_text(enum config_scope scope);

/* Whether sections of this kind have a name and may be there more than once. */
bool config_scope_is_named(enum config_scope scope);

/* The key of that name, without regard to case; NULL when there is none. */
const struct config_key *config_key_find(enum config_scope scope, const char *name);

/* Sets every field of `object`, the struct of a section of this kind, to its default. */
void config_keys_set_defaults(struct config_draft *draft, enum config_scope scope, void *object);

#endif
