/* Any text as a number, duration, size or address: what is read is written and read back the same. */
#include "base/check.h"
#include "config/endpoint.h"
#include "config/text.h"
#include "config/units.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_units(enum units_kind kind, const char *text)
{
    char written[UNITS_TEXT_BYTES];
    char advice[256];
    uint64_t value;
    uint64_t again = 0;
    enum units_error error = units_parse(kind, text, &value);

    if (error != UNITS_OK) {
        CHECK(units_advise(error, kind, "key", text, advice, sizeof(advice))[0] != '\0');
        return;
    }
    CHECK(units_parse(kind, units_format(kind, value, written), &again) == UNITS_OK);
    CHECK(again == value);
}

static void check_endpoint(enum endpoint_use use, const char *text)
{
    static const char *const words[] = {"listen", "server", "idle_timeout"};
    struct endpoint endpoint;
    char advice[256];
    enum endpoint_error error = endpoint_parse(use, text, &endpoint);

    if (error != ENDPOINT_OK) {
        CHECK(endpoint_advise(error, use, text, advice, sizeof(advice))[0] != '\0');
        (void)text_suggest(text, words, 3);
        return;
    }
    CHECK(endpoint.host[0] != '\0' && strlen(endpoint.host) < HOST_NAME_BYTES);
    CHECK(use == ENDPOINT_LISTEN || endpoint.port != 0);
    CHECK(!endpoint.is_literal || endpoint.address.port == endpoint.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1);

    CHECK(text != NULL);
    if (bytes > 0)
        memcpy(text, data, bytes);
    text[bytes] = '\0';
    /* Seeds are text files, so they end in a line break that is not meant. */
    if (bytes > 0 && text[bytes - 1] == '\n')
        text[bytes - 1] = '\0';
    check_units(UNITS_NUMBER, text);
    check_units(UNITS_DURATION, text);
    check_units(UNITS_SIZE, text);
    check_endpoint(ENDPOINT_LISTEN, text);
    check_endpoint(ENDPOINT_CONNECT, text);
    free(text);
    return 0;
}
