#include "stats/listing.h"

#include "base/memory.h"
#include "stats/amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- cells --- */

typedef void render(const struct listing_row *row, char *cell, size_t cell_bytes);

static void render_name(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    snprintf(cell, cell_bytes, "%s", row->name);
}

static void render_state(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    snprintf(cell, cell_bytes, "%s", row->state);
}

static void render_count(uint64_t count, char *cell, size_t cell_bytes)
{
    snprintf(cell, cell_bytes, "%" PRIu64, count);
}

static void render_active(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_count(row->sessions_active, cell, cell_bytes);
}

static void render_peak(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_count(row->sessions_peak, cell, cell_bytes);
}

static void render_total(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_count(row->sessions_total, cell, cell_bytes);
}

static void render_refused(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_count(row->refused, cell, cell_bytes);
}

static void render_errors(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_count(row->errors, cell, cell_bytes);
}

static void render_amount(uint64_t bytes, char *cell, size_t cell_bytes)
{
    char text[AMOUNT_TEXT_BYTES];

    snprintf(cell, cell_bytes, "%s", amount_format_bytes(bytes, text));
}

static void render_in(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_amount(row->bytes_in, cell, cell_bytes);
}

static void render_out(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_amount(row->bytes_out, cell, cell_bytes);
}

/* Nothing was measured before the first session or connect. */
static void render_time(uint64_t us, char *cell, size_t cell_bytes)
{
    char text[AMOUNT_TEXT_BYTES];

    snprintf(cell, cell_bytes, "%s", us == 0 ? "-" : amount_format_us(us, text));
}

static void render_p50(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_time(row->p50_us, cell, cell_bytes);
}

static void render_p99(const struct listing_row *row, char *cell, size_t cell_bytes)
{
    render_time(row->p99_us, cell, cell_bytes);
}

/* --- tables --- */

struct column {
    const char *title;
    render *render;
    bool is_text; /* on the left; numbers are on the right */
};

static const struct column listener_columns[] = {
    {"listener", render_name, true}, {"state", render_state, true},  {"now", render_active, false},
    {"peak", render_peak, false},    {"total", render_total, false}, {"refused", render_refused, false},
    {"in", render_in, false},        {"out", render_out, false},     {"session p50", render_p50, false},
    {"p99", render_p99, false},
};

static const struct column server_columns[] = {
    {"server", render_name, true},  {"now", render_active, false},      {"peak", render_peak, false},
    {"total", render_total, false}, {"errors", render_errors, false},   {"in", render_in, false},
    {"out", render_out, false},     {"connect p50", render_p50, false}, {"p99", render_p99, false},
};

enum { COLUMNS_MAX = sizeof listener_columns / sizeof listener_columns[0] };

/* Grows; after a failure it stays as it is, and `failed` says so. */
struct text {
    char *data;
    size_t length;
    size_t room;
    bool failed;
};

static void add(struct text *text, const char *what, size_t bytes)
{
    if (text->failed)
        return;
    if (text->room - text->length <= bytes) {
        size_t room = 2 * text->room + bytes + 1024;
        char *larger = memory_resize(text->data, room);
        if (larger == NULL) {
            text->failed = true;
            return;
        }
        text->data = larger;
        text->room = room;
    }
    memcpy(text->data + text->length, what, bytes);
    text->length += bytes;
    text->data[text->length] = '\0';
}

/* Names are UTF-8: what is counted is what is seen, more or less. */
static size_t width_of(const char *cell)
{
    size_t width = 0;

    for (; *cell != '\0'; cell++)
        width += ((unsigned char)*cell & 0xC0) != 0x80 ? 1 : 0;
    return width;
}

static void add_blanks(struct text *text, size_t count)
{
    while (count-- > 0)
        add(text, " ", 1);
}

static void add_cell(struct text *text, const char *cell, size_t width, bool is_text, bool is_last)
{
    size_t blanks = width - width_of(cell);

    if (!is_text)
        add_blanks(text, blanks);
    add(text, cell, strlen(cell));
    if (is_text && !is_last)
        add_blanks(text, blanks);
    if (is_last)
        add(text, "\n", 1);
    else
        add_blanks(text, 2);
}

static void add_table(struct text *text, const struct column *columns, size_t count,
                      const struct listing_row *rows, size_t rows_count)
{
    size_t widths[COLUMNS_MAX];
    char cell[LISTING_NAME_BYTES];

    if (rows_count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        widths[i] = width_of(columns[i].title);
        for (size_t row = 0; row < rows_count; row++) {
            columns[i].render(&rows[row], cell, sizeof cell);
            size_t width = width_of(cell);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    add(text, "\n", 1);
    for (size_t i = 0; i < count; i++)
        add_cell(text, columns[i].title, widths[i], columns[i].is_text, i + 1 == count);
    for (size_t row = 0; row < rows_count; row++) {
        for (size_t i = 0; i < count; i++) {
            columns[i].render(&rows[row], cell, sizeof cell);
            add_cell(text, cell, widths[i], columns[i].is_text, i + 1 == count);
        }
    }
}

static void add_reasons(struct text *text, const char *title, const char *reasons)
{
    if (reasons[0] == '\0')
        return;
    add(text, title, strlen(title));
    add(text, reasons, strlen(reasons));
    add(text, "\n", 1);
}

char *listing_print(const struct listing *listing)
{
    struct text text = {NULL, 0, 0, false};

    add(&text, "", 0);
    add_reasons(&text, "closed     ", listing->closed);
    add_reasons(&text, "refused    ", listing->refused);
    add_reasons(&text, "errors     ", listing->errors);
    add_table(&text, listener_columns, sizeof listener_columns / sizeof listener_columns[0],
              listing->listeners, listing->listeners_count);
    add_table(&text, server_columns, sizeof server_columns / sizeof server_columns[0], listing->servers,
              listing->servers_count);
    if (text.failed) {
        memory_free(text.data);
        return NULL;
    }
    return text.data;
}

void listing_free(struct listing *listing)
{
    memory_free(listing->listeners);
    memory_free(listing->servers);
    listing->listeners = NULL;
    listing->servers = NULL;
}
