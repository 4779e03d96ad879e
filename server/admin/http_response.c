#include "admin/http_response.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/wallclock.h"

#include <stdio.h>
#include <string.h>

/* Room for the status line and all headers; the longest value is that of a literal, so what is printed is known to fit. */
enum { HEAD_BYTES = 768, DATE_BYTES = 40 };

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {421, "Misdirected Request"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}

/* Mon, 23 Nov 2026 21:05:12 GMT (RFC 9110 section 5.6.7), out of what wallclock knows. 1970-01-01 was a Thursday. */
static void format_date(uint64_t time_ms, char text[DATE_BYTES])
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char iso[WALLCLOCK_TEXT_BYTES];
    size_t month;

    wallclock_format(time_ms, iso);
    month = (size_t)(iso[5] - '0') * 10 + (size_t)(iso[6] - '0');
    CHECK(month >= 1 && month <= 12);
    snprintf(text, DATE_BYTES, "%s, %.2s %s %.4s %.8s GMT", days[time_ms / 86400000U % 7], iso + 8,
             months[month - 1], iso, iso + 11);
}

static const char *connection_header(const struct http_response *response)
{
    if (!response->keep_alive)
        return "Connection: close\r\n";
    return response->is_1_0 ? "Connection: keep-alive\r\n" : "";
}

static size_t print_head(const struct http_response *response, char head[HEAD_BYTES])
{
    const char *allow = response->allow;
    const char *authenticate = response->authenticate;
    char date[DATE_BYTES];

    format_date(response->time_ms, date);
    int size = snprintf(head, HEAD_BYTES,
                        "HTTP/1.1 %d %s\r\n"
                        "Date: %s\r\n"
                        "Content-Type: %s\r\n"
                        "Content-Length: %zu\r\n"
                        "Cache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "%s%s%s"
                        "%s%s%s"
                        "%s"
                        "\r\n",
                        response->status, http_status_text(response->status), date, response->content_type,
                        response->body_size, allow != NULL ? "Allow: " : "", allow != NULL ? allow : "",
                        allow != NULL ? "\r\n" : "", authenticate != NULL ? "WWW-Authenticate: " : "",
                        authenticate != NULL ? authenticate : "", authenticate != NULL ? "\r\n" : "",
                        connection_header(response));
    CHECK(size > 0 && size < HEAD_BYTES);
    return (size_t)size;
}

char *http_response_print(const struct http_response *response, size_t *size)
{
    char head[HEAD_BYTES];
    size_t head_size = print_head(response, head);
    size_t body_size = response->head_only ? 0 : response->body_size;
    char *bytes = memory_allocate(1, head_size + body_size);

    *size = 0;
    if (bytes == NULL)
        return NULL;
    memcpy(bytes, head, head_size);
    if (body_size > 0)
        memcpy(bytes + head_size, response->body, body_size);
    *size = head_size + body_size;
    return bytes;
}
