/* Any bytes as a server.ini: a configuration or errors, never both, with errors that are in order and safe to print. */
#include "base/check.h"
#include "config/config.h"
#include "config/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_errors(const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const char *text = errors->items[i].text;
        CHECK(i == 0 || errors->items[i - 1].line <= errors->items[i].line);
        CHECK(text[0] != '\0' && memchr(text, '\0', sizeof(errors->items[i].text)) != NULL);
        for (const char *p = text; *p != '\0'; p++)
            CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
        CHECK(text_utf8_valid(text, strlen(text)) == strlen(text));
    }
}

static void check_config(const struct config *config)
{
    CHECK(config->listeners_count > 0);
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        CHECK(listener->name != NULL && listener->endpoints_count > 0);
        CHECK(listener->mode == CONFIG_MODE_ECHO || listener->upstream_index < config->upstreams_count);
        for (size_t k = 0; k < listener->endpoints_count; k++)
            CHECK(listener->endpoints[k].is_literal || listener->endpoints[k].host[0] != '\0');
    }
    for (size_t i = 0; i < config->upstreams_count; i++) {
        CHECK(config->upstreams[i].name != NULL && config->upstreams[i].servers_count == 1);
        CHECK(config->upstreams[i].servers[0].endpoint.port != 0);
        CHECK(config->upstreams[i].connect_timeout_ms != 0);
    }
    CHECK(config->server.buffer_bytes >= 1024 && config->server.sessions_max > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct config_errors errors = {0};
    struct config *config = config_parse("folder/fuzz.ini", data, bytes, &errors);

    CHECK((config == NULL) == (errors.count > 0));
    check_errors(&errors);
    if (config != NULL)
        check_config(config);
    config_free(config);
    config_errors_free(&errors);
    return 0;
}
