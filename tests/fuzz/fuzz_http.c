/*
 * What anybody may send to the statistics: no bytes crash the parser or make it read beyond them, pieces never change the
 * verdict, and what is accepted is what strict readers understand the same way.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/http_host.h"
#include "admin/http_request.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Compared by place and size, since the two requests point into different memory. */
static bool is_same_text(struct http_text a, const char *a_bytes, struct http_text b, const char *b_bytes)
{
    if (a.size != b.size)
        return false;
    return a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0 || a.bytes - a_bytes == b.bytes - b_bytes;
}

static void check_same(enum http_verdict verdict, const struct http_request *a, const char *a_bytes,
                       const struct http_request *b, const char *b_bytes)
{
    CHECK(a->status == b->status);
    CHECK(a->why == b->why);
    if (verdict != HTTP_READY)
        return;
    CHECK(a->size == b->size);
    CHECK(a->keep_alive == b->keep_alive);
    CHECK(a->minor_version == b->minor_version);
    CHECK(is_same_text(a->method, a_bytes, b->method, b_bytes));
    CHECK(is_same_text(a->path, a_bytes, b->path, b_bytes));
    CHECK(is_same_text(a->authority, a_bytes, b->authority, b_bytes));
    CHECK(is_same_text(a->authorization, a_bytes, b->authorization, b_bytes));
    CHECK(is_same_text(a->origin, a_bytes, b->origin, b_bytes));
    CHECK((a->origin.bytes == NULL) == (b->origin.bytes == NULL));
}

/* Each piece in memory of exactly its size. */
static enum http_verdict parse_piece(const uint8_t *data, size_t size, struct http_request *request,
                                     char **copy)
{
    *copy = malloc(size == 0 ? 1 : size);
    CHECK(*copy != NULL);
    if (size > 0)
        memcpy(*copy, data, size);
    return http_request_parse(*copy, size, request);
}

/* Asked after every step, as a connection does: the first verdict that is not "more" is that of the whole. */
static void check_pieces(const uint8_t *data, size_t size, size_t step, enum http_verdict whole_verdict,
                         const struct http_request *whole, const char *whole_bytes)
{
    for (size_t have = 0; have <= size; have = have < size && have + step > size ? size : have + step) {
        struct http_request request;
        char *copy;
        enum http_verdict verdict = parse_piece(data, have, &request, &copy);
        CHECK(verdict == HTTP_MORE || verdict == whole_verdict);
        if (verdict != HTTP_MORE) {
            check_same(verdict, &request, copy, whole, whole_bytes);
            free(copy);
            return;
        }
        free(copy);
    }
    CHECK(whole_verdict == HTTP_MORE);
}

static void check_accepted(const struct http_request *request, const char *bytes, size_t size)
{
    CHECK(request->size > 0 && request->size <= size);
    CHECK(request->method.size > 0);
    CHECK(request->path.size > 0);
    CHECK(request->minor_version >= 0);
    CHECK(request->authority.bytes != NULL || request->minor_version == 0);
    /* With a body of zeros the only NULs are in the body, after the head. */
    const char *head_end = bytes;
    while (memcmp(head_end, "\r\n\r\n", 4) != 0 || head_end == bytes) {
        CHECK(*head_end != '\0');
        CHECK(*head_end != '\n' || (head_end > bytes && head_end[-1] == '\r'));
        head_end++;
    }
}

static void check_host(const struct http_request *request)
{
    struct address local;

    CHECK(address_parse_host("127.0.0.1", &local));
    local.port = 8404;
    if (request->authority.bytes == NULL)
        return;
    if (http_host_check(request->authority, &local) == HTTP_HOST_OURS) {
        char first = request->authority.bytes[0];
        CHECK(first == '1' || first == 'l' || first == 'L' || first == '[');
        CHECK(request->authority.size < 64);
    }
}

static void check_wrong(const struct http_request *request)
{
    static const int allowed[] = {400, 411, 413, 414, 431, 501, 505};
    bool found = false;

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        found = found || request->status == allowed[i];
    CHECK(found);
    CHECK(request->why != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 2, 7, 64, 1000};
    struct http_request request;
    char *bytes;

    if (size > HTTP_REQUEST_BYTES_MAX)
        size = HTTP_REQUEST_BYTES_MAX;
    enum http_verdict verdict = parse_piece(data, size, &request, &bytes);
    CHECK(verdict != HTTP_MORE || size < HTTP_REQUEST_BYTES_MAX);
    if (verdict == HTTP_READY) {
        check_accepted(&request, bytes, size);
        check_host(&request);
    } else if (verdict == HTTP_WRONG) {
        check_wrong(&request);
    }
    /* Every byte by itself would take a second for the longest inputs. */
    size_t first = size > 600 ? 2 : 0;
    for (size_t i = first; i < sizeof steps / sizeof steps[0]; i++)
        check_pieces(data, size, steps[i], verdict, &request, bytes);
    free(bytes);
    return 0;
}
