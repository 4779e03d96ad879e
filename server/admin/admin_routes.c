#include "admin/admin_routes.h"

#include "admin/http_host.h"
#include "admin/http_response.h"
#include "base/memory.h"
#include "base/version.h"
#include "stats/snapshot_json.h"

#include <stdio.h>
#include <string.h>

static const char type_text[] = "text/plain; charset=utf-8";
static const char type_json[] = "application/json";

/* What a handler makes its answer of. `owned` is freed after the answer is printed. */
struct answer {
    struct http_response response;
    char *owned;
    char text[160];
};

typedef void route_handler(const struct admin_site *site, const struct admin_clock *clock,
                           struct answer *answer);

/* --- answers --------------------------------------------------------------------------------------------- */

static void say(struct answer *answer, int status, const char *body)
{
    answer->response.status = status;
    answer->response.content_type = type_text;
    answer->response.body = body;
    answer->response.body_size = strlen(body);
}

/* "404 Not Found: there is nothing here; see /" */
static void say_error(struct answer *answer, int status, const char *why)
{
    snprintf(answer->text, sizeof answer->text, "%d %s: %s\n", status, http_status_text(status), why);
    say(answer, status, answer->text);
}

static void answer_root(const struct admin_site *site, const struct admin_clock *clock, struct answer *answer)
{
    (void)site;
    (void)clock;
    say(answer, 200,
        FAIRLEAD_NAME " " FAIRLEAD_VERSION "\n\n"
                      "GET /stats    everything that is counted, as JSON\n"
                      "GET /health   200 while serving, 503 otherwise\n");
}

static void answer_health(const struct admin_site *site, const struct admin_clock *clock,
                          struct answer *answer)
{
    enum stats_state state = stats_state(site->stats);

    (void)clock;
    snprintf(answer->text, sizeof answer->text, "{\"status\":\"%s\"}\n", stats_state_text(state));
    say(answer, state == STATS_SERVING ? 200 : 503, answer->text);
    answer->response.content_type = type_json;
}

static void answer_stats(const struct admin_site *site, const struct admin_clock *clock,
                         struct answer *answer)
{
    struct snapshot snapshot;
    size_t bytes;

    if (!snapshot_take(&snapshot, site->stats, clock->now_us)) {
        say_error(answer, 503, "out of memory");
        return;
    }
    answer->owned = snapshot_json_print(&snapshot, &bytes);
    snapshot_free(&snapshot);
    if (answer->owned == NULL) {
        say_error(answer, 503, "out of memory");
        return;
    }
    say(answer, 200, answer->owned);
    answer->response.content_type = type_json;
}

/* --- who may ask ----------------------------------------------------------------------------------------- */

static const struct route {
    const char *path;
    route_handler *handler;
    bool is_public; /* needs no token */
} routes[] = {
    {"/", answer_root, false},
    {"/stats", answer_stats, false},
    {"/health", answer_health, true},
};

static const struct route *find_route(struct http_text path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (http_text_equal(path, routes[i].path))
            return &routes[i];
    }
    return NULL;
}

static bool is_allowed(const struct admin_site *site, const struct route *route,
                       const struct http_request *request)
{
    if (address_is_loopback(&site->local) || (route != NULL && route->is_public))
        return true;
    return admin_token_check(site->token, request->authorization) == ADMIN_TOKEN_RIGHT;
}

/* False: the request has been answered with an error. HTTP/1.0 without Host is no browser's, so there is nothing to check. */
static bool check_host(const struct admin_site *site, const struct http_request *request,
                       struct answer *answer)
{
    if (request->authority.bytes == NULL)
        return true;
    switch (http_host_check(request->authority, &site->local)) {
    case HTTP_HOST_OURS:
        return true;
    case HTTP_HOST_FOREIGN:
        say_error(answer, 421, "the name in Host is not served here; use the address or localhost");
        return false;
    case HTTP_HOST_MALFORMED:
        break;
    }
    say_error(answer, 400, "Host is malformed");
    answer->response.keep_alive = false;
    return false;
}

static void answer_request(const struct admin_site *site, const struct admin_clock *clock,
                           const struct http_request *request, struct answer *answer)
{
    bool is_head = http_text_equal(request->method, "HEAD");
    const struct route *route = find_route(request->path);

    answer->response.keep_alive = request->keep_alive;
    answer->response.is_1_0 = request->minor_version == 0;
    if (!check_host(site, request, answer))
        return;
    if (!is_allowed(site, route, request)) {
        say_error(answer, 401, "the token is missing or wrong");
        answer->response.authenticate = "Bearer realm=\"" FAIRLEAD_NAME "\"";
    } else if (route == NULL && request->path.bytes[0] == '/') {
        say_error(answer, 404, "there is nothing here; / lists what there is");
    } else if (!is_head && !http_text_equal(request->method, "GET")) {
        say_error(answer, 405, "only GET and HEAD are served");
        answer->response.allow = "GET, HEAD";
    } else {
        route->handler(site, clock, answer);
    }
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static char *print(struct answer *answer, const struct admin_clock *clock, size_t *size)
{
    answer->response.time_ms = clock->time_ms;
    char *bytes = http_response_print(&answer->response, size);
    bool had_body = answer->owned != NULL;

    memory_free(answer->owned);
    if (bytes != NULL || !had_body)
        return bytes;
    /* There was no memory for a large answer, but there may be for a small one. */
    say_error(answer, 503, "out of memory");
    return http_response_print(&answer->response, size);
}

char *admin_answer(const struct admin_site *site, const struct admin_clock *clock, enum http_verdict verdict,
                   const struct http_request *request, bool stopping, size_t *size, bool *keep_alive)
{
    struct answer answer;

    memset(&answer, 0, sizeof answer);
    if (verdict == HTTP_READY)
        answer_request(site, clock, request, &answer);
    else
        say_error(&answer, request->status, request->why);
    answer.response.head_only = http_text_equal(request->method, "HEAD");
    if (stopping)
        answer.response.keep_alive = false;
    *keep_alive = answer.response.keep_alive;
    return print(&answer, clock, size);
}

char *admin_answer_timeout(const struct admin_clock *clock, size_t *size)
{
    struct answer answer;

    memset(&answer, 0, sizeof answer);
    say_error(&answer, 408, "the request did not come to its end in time");
    return print(&answer, clock, size);
}
