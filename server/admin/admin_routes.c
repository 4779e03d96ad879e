#include "admin/admin_routes.h"

#include "admin/http_host.h"
#include "admin/http_response.h"
#include "base/atomic.h"
#include "base/memory.h"
#include "base/version.h"
#include "stats/reload_json.h"
#include "stats/snapshot_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char type_text[] = "text/plain; charset=utf-8";
static const char type_json[] = "application/json";

/* What a handler makes its answer of. `owned` is freed after the answer is printed. */
struct draft {
    struct http_response response;
    char *owned;
    bool reloads; /* there is no answer yet: the reload gives it */
    char text[160];
};

typedef void route_handler(const struct admin_site *site, const struct admin_clock *clock,
                           struct draft *draft);

/* --- answers --------------------------------------------------------------------------------------------- */

static void say(struct draft *draft, int status, const char *body)
{
    draft->response.status = status;
    draft->response.content_type = type_text;
    draft->response.body = body;
    draft->response.body_size = strlen(body);
}

/* "404 Not Found: there is nothing here; see /" */
static void say_error(struct draft *draft, int status, const char *why)
{
    snprintf(draft->text, sizeof draft->text, "%d %s: %s\n", status, http_status_text(status), why);
    say(draft, status, draft->text);
}

static void answer_root(const struct admin_site *site, const struct admin_clock *clock, struct draft *draft)
{
    (void)site;
    (void)clock;
    say(draft, 200,
        FAIRLEAD_NAME " " FAIRLEAD_VERSION "\n\n"
                      "GET /stats    everything that is counted, as JSON\n"
                      "GET /health   200 while serving, 503 otherwise\n"
                      "POST /reload  reads the configuration anew; needs the token\n");
}

static void answer_health(const struct admin_site *site, const struct admin_clock *clock, struct draft *draft)
{
    enum stats_state state = stats_state(site->stats);

    (void)clock;
    snprintf(draft->text, sizeof draft->text, "{\"status\":\"%s\"}\n", stats_state_text(state));
    say(draft, state == STATS_SERVING ? 200 : 503, draft->text);
    draft->response.content_type = type_json;
}

static void answer_stats(const struct admin_site *site, const struct admin_clock *clock, struct draft *draft)
{
    struct snapshot snapshot;
    size_t bytes;

    if (!snapshot_take(&snapshot, site->stats, clock->now_us)) {
        say_error(draft, 503, "out of memory");
        return;
    }
    draft->owned = snapshot_json_print(&snapshot, &bytes);
    snapshot_free(&snapshot);
    if (draft->owned == NULL) {
        say_error(draft, 503, "out of memory");
        return;
    }
    say(draft, 200, draft->owned);
    draft->response.content_type = type_json;
}

static void answer_later(const struct admin_site *site, const struct admin_clock *clock, struct draft *draft)
{
    (void)site;
    (void)clock;
    draft->reloads = true;
}

/* --- who may ask ----------------------------------------------------------------------------------------- */

static const struct route {
    const char *path;
    route_handler *handler;
    bool is_public; /* needs no token */
    bool changes;   /* asked by POST, and never without the token */
} routes[] = {
    {"/", answer_root, false, false},
    {"/stats", answer_stats, false, false},
    {"/health", answer_health, true, false},
    {"/reload", answer_later, false, true},
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
static bool check_host(const struct admin_site *site, const struct http_request *request, struct draft *draft)
{
    if (request->authority.bytes == NULL)
        return true;
    switch (http_host_check(request->authority, &site->local)) {
    case HTTP_HOST_OURS:
        return true;
    case HTTP_HOST_FOREIGN:
        say_error(draft, 421, "the name in Host is not served here; use the address or localhost");
        return false;
    case HTTP_HOST_MALFORMED:
        break;
    }
    say_error(draft, 400, "Host is malformed");
    draft->response.keep_alive = false;
    return false;
}

static void say_unauthorized(struct draft *draft)
{
    say_error(draft, 401, "the token is missing or wrong");
    draft->response.authenticate = "Bearer realm=\"" FAIRLEAD_NAME "\"";
}

/* False: answered with an error. No route: what is no path (OPTIONS *), which no method serves. */
static bool check_method(const struct route *route, struct http_text method, struct draft *draft)
{
    if (route != NULL && route->changes) {
        if (http_text_equal(method, "POST"))
            return true;
        say_error(draft, 405, "only POST is served here");
        draft->response.allow = "POST";
        return false;
    }
    if (route != NULL && (http_text_equal(method, "GET") || http_text_equal(method, "HEAD")))
        return true;
    say_error(draft, 405, "only GET and HEAD are served");
    draft->response.allow = "GET, HEAD";
    return false;
}

/* May this request change something? (SEMANTICS H3) False: answered with an error. On loopback too, where any page that a browser
 * on this machine shows could send a POST. */
static bool check_change(const struct admin_site *site, const struct http_request *request,
                         struct draft *draft)
{
    if (request->origin.bytes != NULL && !http_origin_is_own(request->origin, request->authority)) {
        say_error(draft, 403, "a page of another site may not do this");
        return false;
    }
    switch (admin_token_check(site->token, request->authorization)) {
    case ADMIN_TOKEN_RIGHT:
        return true;
    case ADMIN_TOKEN_NONE_SET:
        say_error(draft, 403, "changes over HTTP need a token; write token=SECRET into [stats]");
        return false;
    case ADMIN_TOKEN_WRONG:
        break;
    }
    say_unauthorized(draft);
    return false;
}

static void answer_request(const struct admin_site *site, const struct admin_clock *clock,
                           const struct http_request *request, struct draft *draft)
{
    const struct route *route = find_route(request->path);

    draft->response.keep_alive = request->keep_alive;
    draft->response.is_1_0 = request->minor_version == 0;
    if (!check_host(site, request, draft))
        return;
    if (!is_allowed(site, route, request)) {
        say_unauthorized(draft);
    } else if (route == NULL && request->path.bytes[0] == '/') {
        say_error(draft, 404, "there is nothing here; / lists what there is");
    } else if (!check_method(route, request->method, draft)) {
        /* Answered. */
    } else if (!route->changes || check_change(site, request, draft)) {
        route->handler(site, clock, draft);
    }
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static void print(struct draft *draft, const struct admin_clock *clock, bool stopping,
                  struct admin_answer *answer)
{
    if (stopping)
        draft->response.keep_alive = false;
    draft->response.time_ms = clock->time_ms;
    answer->keep_alive = draft->response.keep_alive;
    answer->is_1_0 = draft->response.is_1_0;
    answer->bytes = http_response_print(&draft->response, &answer->size);
}

enum admin_next admin_answer(const struct admin_site *site, const struct admin_clock *clock,
                             enum http_verdict verdict, const struct http_request *request, bool stopping,
                             struct admin_answer *answer)
{
    struct draft draft;

    memset(&draft, 0, sizeof draft);
    memset(answer, 0, sizeof *answer);
    if (verdict == HTTP_READY)
        answer_request(site, clock, request, &draft);
    else
        say_error(&draft, request->status, request->why);
    draft.response.head_only = http_text_equal(request->method, "HEAD");
    if (draft.reloads) {
        answer->keep_alive = draft.response.keep_alive;
        answer->is_1_0 = draft.response.is_1_0;
        return ADMIN_RELOADS;
    }
    print(&draft, clock, stopping, answer);
    memory_free(draft.owned);
    if (answer->bytes == NULL && draft.owned != NULL) {
        /* There was no memory for a large answer, but there may be for a small one. */
        say_error(&draft, 503, "out of memory");
        print(&draft, clock, stopping, answer);
    }
    return ADMIN_ANSWERED;
}

/* What did not happen is a conflict, or else the end of the server. */
static int reload_status(const struct admin_site *site, const struct reload_outcome *outcome)
{
    if (outcome->applied)
        return 200;
    return stats_state(site->stats) == STATS_SERVING ? 409 : 503;
}

void admin_answer_reload(const struct admin_site *site, const struct admin_clock *clock,
                         const struct reload_outcome *outcome, bool stopping, struct admin_answer *answer)
{
    struct reload_outcome refused = {false, atomic_load_u64(&site->stats->config_generation),
                                     "the server is stopping and reads no configuration any more\n"};
    const struct reload_outcome *told = outcome != NULL ? outcome : &refused;
    int status = outcome != NULL ? reload_status(site, outcome) : 503;
    struct draft draft;
    size_t size;

    memset(&draft, 0, sizeof draft);
    draft.response.keep_alive = answer->keep_alive;
    draft.response.is_1_0 = answer->is_1_0;
    answer->bytes = NULL;
    char *text = reload_json_print(told, &size);
    if (text != NULL) {
        say(&draft, status, text);
        draft.response.content_type = type_json;
        print(&draft, clock, stopping, answer);
        memory_free(text);
    }
    if (answer->bytes != NULL)
        return;
    /* Whether it was applied must be said even when there is no memory for the text, which the log has. */
    snprintf(draft.text, sizeof draft.text, "{\"applied\":%s,\"generation\":%" PRIu64 ",\"text\":\"\"}",
             told->applied ? "true" : "false", told->generation);
    say(&draft, status, draft.text);
    draft.response.content_type = type_json;
    print(&draft, clock, stopping, answer);
}

void admin_answer_timeout(const struct admin_clock *clock, struct admin_answer *answer)
{
    struct draft draft;

    memset(&draft, 0, sizeof draft);
    say_error(&draft, 408, "the request did not come to its end in time");
    print(&draft, clock, true, answer);
}
