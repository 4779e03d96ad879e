#include "config/ini_reader.h"

#include "base/check.h"
#include "base/limits.h"
#include "config/config_errors.h"
#include "config/text.h"

#include <stdio.h>
#include <string.h>

struct span {
    const char *text;
    size_t bytes;
};

static void strip(struct span *span)
{
    while (span->bytes > 0 && text_is_blank(span->text[0])) {
        span->text++;
        span->bytes--;
    }
    while (span->bytes > 0 && text_is_blank(span->text[span->bytes - 1]))
        span->bytes--;
}

const char *ini_reader_encoding(const char *data, size_t bytes)
{
    if (bytes >= 4 && (memcmp(data, "\xff\xfe\0\0", 4) == 0 || memcmp(data, "\0\0\xfe\xff", 4) == 0))
        return "the file is UTF-32; save it as UTF-8";
    if (bytes >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        return "the file is UTF-16; save it as UTF-8";
    /* Without a mark, ASCII in UTF-16 shows as every other byte being NUL. */
    if (bytes >= 4 && ((data[0] != '\0' && data[1] == '\0' && data[2] != '\0' && data[3] == '\0') ||
                       (data[0] == '\0' && data[1] != '\0' && data[2] == '\0' && data[3] != '\0')))
        return "the file is UTF-16 (without a byte order mark); save it as UTF-8";
    return NULL;
}

void ini_reader_init(struct ini_reader *reader, const char *data, size_t bytes, struct config_errors *errors,
                     ini_section *section, void *context)
{
    memset(reader, 0, sizeof(*reader));
    reader->data = data;
    reader->bytes = bytes;
    reader->errors = errors;
    reader->section = section;
    reader->context = context;
    if (bytes >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        reader->offset = 3;
}

/* The next line without its end (LF or CRLF); false at the end of the data. */
static bool next_line(struct ini_reader *reader, struct span *line)
{
    if (reader->offset >= reader->bytes)
        return false;
    line->text = reader->data + reader->offset;
    line->bytes = reader->bytes - reader->offset;
    const char *end = memchr(line->text, '\n', line->bytes);
    if (end != NULL)
        line->bytes = (size_t)(end - line->text);
    reader->offset += line->bytes + (end != NULL);
    if (line->bytes > 0 && line->text[line->bytes - 1] == '\r')
        line->bytes--;
    reader->line++;
    return true;
}

static bool check_bytes(struct ini_reader *reader, const struct span *line)
{
    for (size_t i = 0; i < line->bytes; i++) {
        unsigned char byte = (unsigned char)line->text[i];
        if (byte == '\0') {
            config_errors_add(reader->errors, reader->line,
                              "the line has a NUL byte in it: this is not a text file");
            return false;
        }
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            config_errors_add(reader->errors, reader->line,
                              "the line has a control character in it (0x%02x at byte %zu)%s", byte, i + 1,
                              byte == '\r' ? "; lines end in LF or CRLF" : "");
            return false;
        }
    }
    size_t valid = text_utf8_valid(line->text, line->bytes);
    if (valid < line->bytes) {
        config_errors_add(reader->errors, reader->line,
                          "the line is not UTF-8 (0x%02x at byte %zu); save the file as UTF-8",
                          (unsigned char)line->text[valid], valid + 1);
        return false;
    }
    return true;
}

/* Where `wanted` first stands outside of a comment, or `bytes`. A comment within a line is a ';' after a blank. */
static size_t find(const struct span *line, char wanted)
{
    size_t i = 0;

    while (i < line->bytes && line->text[i] != wanted &&
           !(line->text[i] == ';' && i > 0 && text_is_blank(line->text[i - 1])))
        i++;
    return i < line->bytes && line->text[i] == wanted ? i : line->bytes;
}

/* [NAME], with nothing but a comment behind it. */
static bool check_section(struct ini_reader *reader, const struct span *line)
{
    size_t end = find(line, ']');

    if (end == line->bytes) {
        config_errors_add(reader->errors, reader->line, "the section has no ']' at its end");
        return false;
    }
    struct span rest = {line->text + end + 1, line->bytes - end - 1};
    strip(&rest);
    if (rest.bytes > 0 && rest.text[0] != ';' && rest.text[0] != '#') {
        config_errors_add(reader->errors, reader->line,
                          "there is text after the ']' of the section; write it on its own line");
        return false;
    }
    struct span name = {line->text + 1, end - 1};
    strip(&name);
    /* Counted with the blanks, because inih keeps them. */
    if (end - 1 > CONFIG_SECTION_BYTES_MAX) {
        config_errors_add(reader->errors, reader->line,
                          "the name of the section has %zu bytes; at most %d are possible", end - 1,
                          CONFIG_SECTION_BYTES_MAX);
        return false;
    }
    reader->section(reader->context, reader->line, name.text, name.bytes);
    return true;
}

/* KEY=VALUE, with a key that inih ends at the same place. */
static bool check_key(struct ini_reader *reader, const struct span *line)
{
    char text[CONFIG_LINE_BYTES_MAX + 1];
    char quoted[CONFIG_QUOTE_BYTES];
    size_t equals = find(line, '=');
    size_t name = 0;

    while (name < equals && (text_is_letter_or_digit(line->text[name]) || text_is_blank(line->text[name]) ||
                             line->text[name] == '_' || line->text[name] == '-' || line->text[name] == '.'))
        name++;
    if (name > 0 && name == equals && equals < line->bytes)
        return true;
    memcpy(text, line->text, line->bytes);
    text[line->bytes] = '\0';
    config_quote(text, quoted);
    if (name > 0 && name < line->bytes && line->text[name] == ':')
        config_errors_add(reader->errors, reader->line, "'%s': write KEY=VALUE, with '=' instead of ':'",
                          quoted);
    else if (equals == 0)
        config_errors_add(reader->errors, reader->line, "'%s' has no key before the '='", quoted);
    else
        config_errors_add(reader->errors, reader->line,
                          "'%s' is neither KEY=VALUE nor [SECTION]; a comment starts with ';' or '#'",
                          quoted);
    return false;
}

/* Whether inih may see the line, which is then stripped of blanks. Blank lines and comments need not reach it. */
static bool accept_line(struct ini_reader *reader, struct span *line)
{
    struct span whole = *line;
    bool is_section;

    strip(line);
    is_section = line->bytes > 0 && line->text[0] == '[';
    if (!check_bytes(reader, &whole))
        goto refused;
    if (line->bytes == 0 || line->text[0] == ';' || line->text[0] == '#')
        return false;
    /* inih would add the line to the value of the key above. For the sake of further errors it is still looked at. */
    if (line->text != whole.text)
        config_errors_add(reader->errors, reader->line,
                          "the line is indented; remove the blanks at its start");
    if (whole.bytes > CONFIG_LINE_BYTES_MAX) {
        config_errors_add(reader->errors, reader->line, "the line has %zu bytes; at most %d are possible",
                          whole.bytes, CONFIG_LINE_BYTES_MAX);
        goto refused;
    }
    if (is_section ? check_section(reader, line) : check_key(reader, line)) {
        reader->key_pending = !is_section;
        return true;
    }
refused:
    if (is_section)
        reader->section(reader->context, reader->line, NULL, 0);
    return false;
}

char *ini_reader_read(char *out, int out_bytes, void *stream)
{
    struct ini_reader *reader = stream;
    struct span line;

    CHECK(!reader->key_pending);
    CHECK(out_bytes >= CONFIG_LINE_BYTES_MAX + 2);
    if (!next_line(reader, &line))
        return NULL;
    if (!accept_line(reader, &line))
        line.bytes = 0;
    memcpy(out, line.text, line.bytes);
    out[line.bytes] = '\n';
    out[line.bytes + 1] = '\0';
    return out;
}

unsigned ini_reader_take_key(struct ini_reader *reader)
{
    CHECK(reader->key_pending);
    reader->key_pending = false;
    return reader->line;
}
