#include "admin/http_request.h"

#include <string.h>

#include <picohttpparser.h>

/* --- text ------------------------------------------------------------------------------------------------ */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_nocase(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool http_text_equal(struct http_text text, const char *literal)
{
    return text.size == strlen(literal) && (text.size == 0 || memcmp(text.bytes, literal, text.size) == 0);
}

bool http_text_equal_nocase(struct http_text text, const char *literal)
{
    return text.size == strlen(literal) && equal_nocase(text.bytes, literal, text.size);
}

static bool is_token_byte(char c)
{
    bool letter = lower(c) >= 'a' && lower(c) <= 'z';

    return letter || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct http_text trim(struct http_text text)
{
    while (text.size > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.size--;
    }
    while (text.size > 0 && (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static enum http_verdict refuse(struct http_request *request, int status, const char *why)
{
    request->status = status;
    request->why = why;
    return HTTP_WRONG;
}

/* --- where the head ends --------------------------------------------------------------------------------- */

struct head {
    size_t start; /* after empty lines, which a client may have sent after its last body */
    size_t size;  /* from the start, with the empty line that ends it */
    size_t lines; /* the request line and those of the headers */
    size_t first_line_size;
};

static bool is_forbidden(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

/* The caller sees one byte after the other and stops at the first that decides: the end, a byte that must not be there, or the
 * limit. That is why pieces do not matter. HTTP_READY: the head is complete. */
static enum http_verdict find_head(const char *bytes, size_t size, struct http_request *request,
                                   struct head *head)
{
    size_t line_start = 0;

    for (size_t i = 0; i < size; i++) {
        if (i == ADMIN_REQUEST_BYTES) {
            if (head->lines == 0)
                return refuse(request, 414, "the request line is too long");
            return refuse(request, 431, "the headers are too long");
        }
        if (i > 0 && bytes[i - 1] == '\r' && bytes[i] != '\n')
            return refuse(request, 400, "a carriage return stands alone");
        if (bytes[i] == '\r')
            continue;
        if (bytes[i] != '\n') {
            if (is_forbidden(bytes[i]))
                return refuse(request, 400, "a control byte is not allowed here");
            continue;
        }
        if (i == 0 || bytes[i - 1] != '\r')
            return refuse(request, 400, "a line must end in CR LF");
        if (i - line_start > 1) {
            if (head->lines == 0)
                head->first_line_size = i - 1 - line_start;
            head->lines++;
            if (head->lines > ADMIN_HEADERS_MAX + 1)
                return refuse(request, 431, "there are too many headers");
        } else if (head->lines > 0) {
            head->size = i + 1 - head->start;
            return HTTP_READY;
        } else {
            head->start = i + 1;
        }
        line_start = i + 1;
    }
    return HTTP_MORE;
}

/* --- the request line ------------------------------------------------------------------------------------ */

/* The last word of the line is HTTP/ and two digits with a dot between, but not a version that is spoken here. */
static bool is_other_version(const char *line, size_t size)
{
    static const char prefix[] = "HTTP/";
    enum { WORD_BYTES = sizeof prefix - 1 + 3 };

    if (size <= WORD_BYTES || line[size - WORD_BYTES - 1] != ' ')
        return false;
    const char *word = line + size - WORD_BYTES;
    const char *number = word + sizeof prefix - 1;
    if (memcmp(word, prefix, sizeof prefix - 1) != 0 || number[1] != '.')
        return false;
    return number[0] >= '0' && number[0] <= '9' && number[2] >= '0' && number[2] <= '9' && number[0] != '1';
}

static size_t count_spaces(const char *line, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += line[i] == ' ' ? 1 : 0;
    return count;
}

/* http://AUTHORITY/PATH: the authority stands for Host, which is then ignored (RFC 9112 section 3.2.2). */
static enum http_verdict take_absolute(struct http_text target, struct http_request *request)
{
    static const char scheme[] = "http://";
    size_t start = sizeof scheme - 1;
    size_t end = start;

    if (target.size < start || !equal_nocase(target.bytes, scheme, start))
        return refuse(request, 400, "the target is neither a path nor an http address");
    while (end < target.size && target.bytes[end] != '/' && target.bytes[end] != '?')
        end++;
    request->authority.bytes = target.bytes + start;
    request->authority.size = end - start;
    request->path.bytes = target.bytes + end;
    request->path.size = target.size - end;
    if (request->authority.size == 0)
        return refuse(request, 400, "the target names no host");
    return HTTP_READY;
}

static void cut_query(struct http_request *request)
{
    const char *query = request->path.size == 0 ? NULL : memchr(request->path.bytes, '?', request->path.size);

    if (query != NULL)
        request->path.size = (size_t)(query - request->path.bytes);
    if (request->path.size == 0) {
        request->path.bytes = "/";
        request->path.size = 1;
    }
}

static enum http_verdict take_target(struct http_text target, struct http_request *request)
{
    enum http_verdict verdict = HTTP_READY;

    for (size_t i = 0; i < target.size; i++) {
        if ((unsigned char)target.bytes[i] >= 0x80 || target.bytes[i] == '#')
            return refuse(request, 400, "the target holds a byte that must be percent-encoded");
    }
    request->path = target;
    /* What CONNECT names is no path; like every other method it is refused by whoever looks at the method. */
    if (http_text_equal(request->method, "CONNECT"))
        return HTTP_READY;
    if (target.bytes[0] == '*') {
        if (target.size > 1 || !http_text_equal(request->method, "OPTIONS"))
            return refuse(request, 400, "the target * belongs to OPTIONS");
        return HTTP_READY;
    }
    if (target.bytes[0] != '/')
        verdict = take_absolute(target, request);
    if (verdict == HTTP_READY)
        cut_query(request);
    return verdict;
}

/* --- the headers ----------------------------------------------------------------------------------------- */

struct fields {
    struct http_text host;
    struct http_text content_length;
    struct http_text transfer_encoding;
    struct http_text authorization;
    struct http_text origin;
    size_t hosts;
    size_t content_lengths;
    size_t transfer_encodings;
    size_t authorizations;
    size_t origins;
    bool close;
    bool keep_alive;
    bool expect;
};

/* Connection is a list: "close, TE". */
static void take_connection(struct http_text value, struct fields *fields)
{
    while (value.size > 0) {
        const char *comma = memchr(value.bytes, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.bytes);
        struct http_text item = {value.bytes, size};
        item = trim(item);
        if (http_text_equal_nocase(item, "close"))
            fields->close = true;
        else if (http_text_equal_nocase(item, "keep-alive"))
            fields->keep_alive = true;
        size += comma == NULL ? 0 : 1;
        value.bytes += size;
        value.size -= size;
    }
}

static void take_field(struct http_text name, struct http_text value, struct fields *fields)
{
    if (http_text_equal_nocase(name, "Host")) {
        fields->host = value;
        fields->hosts++;
    } else if (http_text_equal_nocase(name, "Content-Length")) {
        fields->content_length = value;
        fields->content_lengths++;
    } else if (http_text_equal_nocase(name, "Transfer-Encoding")) {
        fields->transfer_encoding = value;
        fields->transfer_encodings++;
    } else if (http_text_equal_nocase(name, "Authorization")) {
        fields->authorization = value;
        fields->authorizations++;
    } else if (http_text_equal_nocase(name, "Origin")) {
        fields->origin = value;
        fields->origins++;
    } else if (http_text_equal_nocase(name, "Connection")) {
        take_connection(value, fields);
    } else if (http_text_equal_nocase(name, "Expect")) {
        fields->expect = true;
    }
}

static enum http_verdict take_fields(const struct phr_header *headers, size_t count,
                                     struct http_request *request, struct fields *fields)
{
    for (size_t i = 0; i < count; i++) {
        struct http_text name = {headers[i].name, headers[i].name_len};
        struct http_text value = {headers[i].value, headers[i].value_len};
        if (name.bytes == NULL)
            return refuse(request, 400, "a header goes on in the next line");
        take_field(name, trim(value), fields);
    }
    if (fields->hosts > 1)
        return refuse(request, 400, "there is more than one Host");
    if (fields->hosts == 0 && request->minor_version > 0)
        return refuse(request, 400, "there is no Host");
    if (fields->authorizations > 1)
        return refuse(request, 400, "there is more than one Authorization");
    if (fields->origins > 1)
        return refuse(request, 400, "there is more than one Origin");
    return HTTP_READY;
}

/* Digits only: no sign, no list, no blank. More than fit into a size_t is too large anyway. */
static enum http_verdict take_length(struct http_text text, struct http_request *request, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return refuse(request, 400, "Content-Length is not a number");
    }
    if (text.size == 0)
        return refuse(request, 400, "Content-Length is not a number");
    for (size_t i = 0; i < text.size && *length <= ADMIN_BODY_BYTES; i++)
        *length = *length * 10 + (size_t)(text.bytes[i] - '0');
    if (*length > ADMIN_BODY_BYTES)
        return refuse(request, 413, "the body is too large");
    return HTTP_READY;
}

/* Where the request ends. Whatever two readers could understand differently is refused (RFC 9112 section 6.3). */
static enum http_verdict take_body(const struct fields *fields, struct http_request *request, size_t *length)
{
    *length = 0;
    if (fields->content_lengths > 1)
        return refuse(request, 400, "there is more than one Content-Length");
    if (fields->transfer_encodings > 0) {
        if (fields->content_lengths > 0)
            return refuse(request, 400, "there are both Content-Length and Transfer-Encoding");
        if (fields->transfer_encodings > 1 || request->minor_version == 0)
            return refuse(request, 400, "Transfer-Encoding is not understood here");
        if (!http_text_equal_nocase(fields->transfer_encoding, "chunked"))
            return refuse(request, 501, "this transfer coding is not known");
        return refuse(request, 411, "a body needs a Content-Length");
    }
    if (fields->content_lengths == 0)
        return HTTP_READY;
    return take_length(fields->content_length, request, length);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static enum http_verdict parse_line(const char *line, size_t size, struct http_request *request)
{
    /* Only here, so that a line that is malformed in another way as well is called malformed. */
    if (is_other_version(line, size))
        return refuse(request, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return refuse(request, 400, "the request is malformed");
}

static enum http_verdict parse_head(const char *bytes, const struct head *head, struct http_request *request,
                                    struct fields *fields)
{
    struct phr_header headers[ADMIN_HEADERS_MAX];
    size_t headers_count = ADMIN_HEADERS_MAX;
    const char *line = bytes + head->start;
    struct http_text target;

    if (count_spaces(line, head->first_line_size) != 2)
        return refuse(request, 400, "the request line is not METHOD TARGET VERSION");
    int parsed =
        phr_parse_request(line, head->size, &request->method.bytes, &request->method.size, &target.bytes,
                          &target.size, &request->minor_version, headers, &headers_count, 0);
    if (parsed < 0 || (size_t)parsed != head->size)
        return parse_line(line, head->first_line_size, request);
    if (request->method.size == 0 || target.size == 0)
        return refuse(request, 400, "the request line is not METHOD TARGET VERSION");
    for (size_t i = 0; i < request->method.size; i++) {
        if (!is_token_byte(request->method.bytes[i]))
            return refuse(request, 400, "the method is malformed");
    }
    enum http_verdict verdict = take_fields(headers, headers_count, request, fields);
    if (verdict != HTTP_READY)
        return verdict;
    request->authority = fields->host;
    request->authorization = fields->authorization;
    request->origin = fields->origin;
    return take_target(target, request);
}

enum http_verdict http_request_parse(const char *bytes, size_t size, struct http_request *request)
{
    struct head head;
    struct fields fields;
    size_t body_size;

    memset(request, 0, sizeof *request);
    memset(&head, 0, sizeof head);
    memset(&fields, 0, sizeof fields);
    enum http_verdict verdict = find_head(bytes, size, request, &head);
    if (verdict == HTTP_READY)
        verdict = parse_head(bytes, &head, request, &fields);
    if (verdict == HTTP_READY)
        verdict = take_body(&fields, request, &body_size);
    if (verdict != HTTP_READY)
        return verdict;

    request->keep_alive = !fields.close && (request->minor_version > 0 || fields.keep_alive);
    request->size = head.start + head.size;
    if (fields.expect && body_size > 0) {
        /* The client waits to be asked for the body. It is answered at once instead, and whether it sends the body after all
         * cannot be known: so this request is the last one. */
        request->keep_alive = false;
        return HTTP_READY;
    }
    if (size - request->size < body_size)
        return HTTP_MORE;
    request->size += body_size;
    return HTTP_READY;
}
