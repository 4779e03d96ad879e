#include "config/config_draft.h"
#include "config/ini_reader.h"

#include "base/limits.h"
#include "base/memory.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct loader {
    struct config_draft draft;
    struct ini_reader reader;
};

static void open_section(void *context, unsigned line, const char *name, size_t name_bytes)
{
    config_draft_open_section(context, line, name, name_bytes);
}

/* inih's handler. The section is known from the reader already, which also sees empty ones. */
static int set_key(void *context, const char *section, const char *name, const char *value)
{
    struct loader *loader = context;

    (void)section;
    config_draft_set_key(&loader->draft, ini_reader_take_key(&loader->reader), name, value);
    return 1;
}

static void add_out_of_memory(struct config_errors *errors)
{
    config_errors_add(errors, 0, "out of memory while reading the configuration");
}

struct config *config_parse(const char *name, const void *data, size_t bytes, struct config_errors *errors)
{
    struct loader loader;
    const char *encoding = ini_reader_encoding(data, bytes);

    if (encoding != NULL) {
        config_errors_add(errors, 1, "%s", encoding);
        return NULL;
    }
    if (!config_draft_begin(&loader.draft, name, errors)) {
        add_out_of_memory(errors);
        return NULL;
    }
    ini_reader_init(&loader.reader, data, bytes, errors, open_section, &loader.draft);
    /* The result is the line of a first error, of which the reader leaves none. */
    (void)ini_parse_stream(ini_reader_read, &loader.reader, set_key, &loader);
    if (!config_arena_failed(loader.draft.arena))
        config_check(&loader.draft);
    if (config_arena_failed(loader.draft.arena))
        add_out_of_memory(errors);
    if (errors->count == 0 && errors->lost == 0)
        return loader.draft.config;
    config_arena_free(loader.draft.arena);
    return NULL;
}

/* The whole file, to be freed by the caller; NULL with an error. */
static char *read_file(const char *path, size_t *bytes, struct config_errors *errors)
{
    char *data = NULL;
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        config_errors_add(errors, 0, "the file cannot be opened: %s", strerror(errno));
        return NULL;
    }
    /* One byte more than is allowed tells a file that is too large. */
    data = memory_allocate(1, CONFIG_FILE_BYTES_MAX + 1);
    if (data == NULL) {
        add_out_of_memory(errors);
        goto close_file;
    }
    *bytes = fread(data, 1, CONFIG_FILE_BYTES_MAX + 1, file);
    if (ferror(file)) {
        config_errors_add(errors, 0, "the file cannot be read: %s", strerror(errno));
        goto free_data;
    }
    if (*bytes <= CONFIG_FILE_BYTES_MAX)
        goto close_file;
    config_errors_add(errors, 0, "the file is larger than %d bytes, so it is hardly a server.ini",
                      CONFIG_FILE_BYTES_MAX);
free_data:
    memory_free(data);
    data = NULL;
close_file:
    fclose(file);
    return data;
}

struct config *config_load(const char *path, struct config_errors *errors)
{
    size_t bytes = 0;
    char *data = read_file(path, &bytes, errors);
    struct config *config = NULL;

    if (data != NULL)
        config = config_parse(path, data, bytes, errors);
    memory_free(data);
    return config;
}

void config_free(struct config *config)
{
    if (config != NULL)
        config_arena_free(config->arena);
}
