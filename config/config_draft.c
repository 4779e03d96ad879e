#include "config/config_draft.h"
#include "config/config_values.h"

#include "base/check.h"
#include "base/limits.h"
#include "config/text.h"

#include <string.h>

bool config_draft_begin(struct config_draft *draft, const char *name, struct config_errors *errors)
{
    memset(draft, 0, sizeof(*draft));
    draft->errors = errors;
    draft->arena = config_arena_create();
    if (draft->arena == NULL)
        return false;
    draft->config = config_arena_allocate(draft->arena, sizeof(*draft->config));
    if (draft->config == NULL) {
        config_arena_free(draft->arena);
        return false;
    }
    draft->config->arena = draft->arena;
    draft->config->file = config_arena_copy(draft->arena, name, strlen(name));
    if (draft->config->file == NULL) {
        config_arena_free(draft->arena);
        return false;
    }
    draft->config->stats.enabled = true;
    config_keys_set_defaults(draft, CONFIG_SERVER, &draft->config->server);
    config_keys_set_defaults(draft, CONFIG_STATS, &draft->config->stats);
    return true;
}

/* The struct that a section's keys go to. Arrays move when they grow, so nobody keeps it. */
static void *object_of(const struct config_draft *draft, const struct config_section *section)
{
    switch (section->scope) {
    case CONFIG_SERVER:
        return &draft->config->server;
    case CONFIG_STATS:
        return &draft->config->stats;
    case CONFIG_LISTENER:
        return &draft->config->listeners[section->index];
    case CONFIG_UPSTREAM:
        break;
    }
    return &draft->config->upstreams[section->index];
}

static bool append_listener(struct config_draft *draft, struct config_section *section)
{
    struct config *config = draft->config;
    struct config_listener *items =
        config_arena_append(draft->arena, config->listeners, &config->listeners_count, sizeof(*items));

    if (items == NULL)
        return false;
    config->listeners = items;
    section->index = config->listeners_count - 1;
    items[section->index].name = section->name;
    items[section->index].line = section->line;
    return true;
}

static bool append_upstream(struct config_draft *draft, struct config_section *section)
{
    struct config *config = draft->config;
    struct config_upstream *items =
        config_arena_append(draft->arena, config->upstreams, &config->upstreams_count, sizeof(*items));

    if (items == NULL)
        return false;
    config->upstreams = items;
    section->index = config->upstreams_count - 1;
    items[section->index].name = section->name;
    items[section->index].line = section->line;
    return true;
}

/* Reports an earlier section of the same kind and name. */
static void check_duplicate(struct config_draft *draft, const struct config_section *section)
{
    for (size_t i = 0; i < draft->sections_count; i++) {
        const struct config_section *earlier = &draft->sections[i];
        if (earlier->scope != section->scope)
            continue;
        if (!config_scope_is_named(section->scope)) {
            config_errors_add(draft->errors, section->line,
                              "[%s] is already in line %u; write its keys there",
                              config_scope_text(section->scope), earlier->line);
            return;
        }
        if (earlier->name != NULL && section->name != NULL && text_equal(earlier->name, section->name)) {
            config_errors_add(draft->errors, section->line,
                              "%s '%s' is already in line %u; names must differ by more than case",
                              config_scope_text(section->scope), section->name, earlier->line);
            return;
        }
    }
}

/* Splits "listener web" at its first blank: `*kind` is terminated there, the rest is the name, perhaps empty. */
static const char *split_kind(char *kind)
{
    char *name = kind + strcspn(kind, " \t");

    if (*name != '\0')
        *name++ = '\0';
    return name + strspn(name, " \t");
}

static bool find_scope(struct config_draft *draft, unsigned line, const char *kind, enum config_scope *scope)
{
    const char *kinds[CONFIG_SCOPES];
    char quoted[CONFIG_QUOTE_BYTES];

    for (unsigned i = 0; i < CONFIG_SCOPES; i++) {
        *scope = (enum config_scope)i;
        kinds[i] = config_scope_text(*scope);
        if (text_equal(kind, kinds[i]))
            return true;
    }
    const char *likely = text_suggest(kind, kinds, CONFIG_SCOPES);
    if (likely != NULL)
        config_errors_add(draft->errors, line, "unknown section [%s]; did you mean [%s%s]?",
                          config_quote(kind, quoted), likely,
                          likely == kinds[CONFIG_LISTENER] || likely == kinds[CONFIG_UPSTREAM] ? " NAME"
                                                                                               : "");
    else
        config_errors_add(
            draft->errors, line,
            "unknown section [%s]; there are [server], [stats], [listener NAME] and [upstream NAME]",
            config_quote(kind, quoted));
    return false;
}

/* The section's name, or NULL with an error when it should have one and has not. */
static const char *check_name(struct config_draft *draft, unsigned line, enum config_scope scope,
                              const char *name)
{
    const char *kind = config_scope_text(scope);
    char quoted[CONFIG_QUOTE_BYTES];

    if (!config_scope_is_named(scope)) {
        if (name[0] != '\0')
            config_errors_add(draft->errors, line, "[%s] has no name; write [%s] instead of [%s %s]", kind,
                              kind, kind, config_quote(name, quoted));
        return NULL;
    }
    if (name[0] == '\0') {
        config_errors_add(draft->errors, line, "the %s needs a name; write [%s NAME]", kind, kind);
        return NULL;
    }
    if (!config_name_check(draft, line, name))
        return NULL;
    return config_arena_copy(draft->arena, name, strlen(name));
}

void config_draft_open_section(struct config_draft *draft, unsigned line, const char *name, size_t name_bytes)
{
    char kind[CONFIG_SECTION_BYTES_MAX + 1];
    struct config_section section = {.line = line};

    /* Until a section can be understood, nothing can be said about the keys that follow. */
    draft->place = DRAFT_SKIPPING;
    if (name == NULL)
        return;
    if (draft->sections_count >= CONFIG_SECTIONS_MAX) {
        if (!draft->sections_full)
            config_errors_add(draft->errors, line, "there are more than %d sections", CONFIG_SECTIONS_MAX);
        draft->sections_full = true;
        return;
    }
    memcpy(kind, name, name_bytes);
    kind[name_bytes] = '\0';
    const char *own_name = split_kind(kind);
    if (!find_scope(draft, line, kind, &section.scope))
        return;
    section.name = check_name(draft, line, section.scope, own_name);
    check_duplicate(draft, &section);
    if (section.scope == CONFIG_LISTENER && !append_listener(draft, &section))
        return;
    if (section.scope == CONFIG_UPSTREAM && !append_upstream(draft, &section))
        return;
    struct config_section *items =
        config_arena_append(draft->arena, draft->sections, &draft->sections_count, sizeof(*items));
    if (items == NULL)
        return;
    draft->sections = items;
    items[draft->sections_count - 1] = section;
    draft->place = DRAFT_INSIDE;
    if (config_scope_is_named(section.scope))
        config_keys_set_defaults(draft, section.scope, object_of(draft, &section));
}

static void report_unknown_key(struct config_draft *draft, unsigned line, enum config_scope scope,
                               const char *name)
{
    const char *known[CONFIG_KEYS_MAX] = {NULL};
    char quoted[CONFIG_QUOTE_BYTES];

    config_quote(name, quoted);
    for (unsigned i = 0; i < CONFIG_SCOPES; i++) {
        if (config_key_find((enum config_scope)i, name) != NULL) {
            config_errors_add(draft->errors, line, "'%s' does not belong into [%s] but into [%s%s]", quoted,
                              config_scope_text(scope), config_scope_text((enum config_scope)i),
                              config_scope_is_named((enum config_scope)i) ? " NAME" : "");
            return;
        }
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].scope == scope)
            known[i] = config_keys[i].name;
    }
    const char *likely = text_suggest(name, known, config_keys_count);
    if (likely != NULL)
        config_errors_add(draft->errors, line, "unknown key '%s' in [%s]; did you mean '%s'?", quoted,
                          config_scope_text(scope), likely);
    else
        config_errors_add(draft->errors, line, "unknown key '%s' in [%s]", quoted, config_scope_text(scope));
}

/* What is wrong with a value whatever its key is. */
static bool check_value(struct config_draft *draft, unsigned line, const struct config_key *key,
                        const char *value)
{
    if (value[0] == '\0') {
        if (key->standard == NULL)
            config_errors_add(draft->errors, line, "%s has no value", key->name);
        else if (key->standard[0] != '\0')
            config_errors_add(draft->errors, line, "%s has no value; write for example %s=%s, its default",
                              key->name, key->name, key->standard);
        return false;
    }
    if (value[0] == '"' || value[0] == '\'') {
        config_errors_add(draft->errors, line,
                          "%s: quotes are not needed and would be part of the value; remove them", key->name);
        return false;
    }
    if (key->form != CONFIG_FREE_TEXT && (strstr(value, " #") != NULL || strstr(value, "\t#") != NULL)) {
        config_errors_add(draft->errors, line, "%s: a comment after a value starts with ';', not with '#'",
                          key->name);
        return false;
    }
    return true;
}

void config_draft_set_key(struct config_draft *draft, unsigned line, const char *name, const char *value)
{
    if (draft->place == DRAFT_SKIPPING)
        return;
    if (draft->place == DRAFT_OUTSIDE) {
        if (!draft->outside_reported)
            config_errors_add(draft->errors, line,
                              "there is no [SECTION] before this line; write for example [server] first");
        draft->outside_reported = true;
        return;
    }
    struct config_section *section = &draft->sections[draft->sections_count - 1];
    const struct config_key *key = config_key_find(section->scope, name);
    if (key == NULL) {
        report_unknown_key(draft, line, section->scope, name);
        return;
    }
    if (key->set == NULL) {
        config_errors_add(draft->errors, line, "%s is not supported by this version of fairlead", key->name);
        return;
    }
    unsigned *first_line = &section->key_lines[key - config_keys];
    if (*first_line != 0 && key->form != CONFIG_REPEATABLE) {
        config_errors_add(draft->errors, line, "%s is already set in line %u", key->name, *first_line);
        return;
    }
    if (*first_line == 0)
        *first_line = line;
    if (!check_value(draft, line, key, value))
        return;
    char *object = object_of(draft, section);
    struct config_value item = {draft, section, key, value, line, object, object + key->offset};
    key->set(&item);
}

unsigned config_draft_key_line(const struct config_section *section, const char *key)
{
    const struct config_key *row = config_key_find(section->scope, key);

    CHECK(row != NULL);
    return section->key_lines[row - config_keys];
}
