/* stats_summary and listing: whoever answers on the port of the statistics cannot harm `fairlead status` and `fairlead stats`. */
#include "base/memory.h"
#include "stats/listing.h"
#include "stats/rates.h"
#include "stats/stats_summary.h"

#include <stdlib.h>
#include <string.h>

static void check_text(const char *text, size_t room)
{
    const char *end = memchr(text, '\0', room);
    size_t length = end == NULL ? 0 : (size_t)(end - text);

    if (end == NULL)
        abort();
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
            abort();
    }
}

static void check_listing(const char *json, size_t bytes)
{
    struct listing listing;

    if (!listing_parse(json, bytes, &listing))
        return;
    char *text = listing_print(&listing);
    if (text != NULL)
        check_text(text, strlen(text) + 1);
    memory_free(text);
    listing_free(&listing);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct stats_summary summary;
    static struct stats_reload_answer answer;
    char line[300];

    (void)stats_summary_parse((const char *)data, size, &summary);
    check_text(summary.version, sizeof summary.version);
    check_text(summary.state, sizeof summary.state);
    check_text(summary.reload_text, sizeof summary.reload_text);
    check_text(stats_summary_format(&summary, line, sizeof line), sizeof line);
    check_text(rates_format(&summary, &summary, line, sizeof line), sizeof line);
    check_listing((const char *)data, size);
    (void)stats_summary_parse_reload((const char *)data, size, &answer);
    check_text(answer.text, sizeof answer.text);
    return 0;
}
