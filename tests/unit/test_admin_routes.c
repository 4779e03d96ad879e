/* admin/admin_routes: who is answered what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/admin_routes.h"
#include "base/memory.h"

#define TOKEN "0123456789abcdef"

struct scene {
    struct stats stats;
    struct admin_token token;
    struct admin_site site;
    enum admin_next next;
    char *bytes;
    bool keep_alive;
};

static int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    if (scene == NULL)
        return -1;
    stats_init(&scene->stats, 1);
    stats_set_state(&scene->stats, STATS_SERVING);
    scene->stats.config_file = "server.ini";
    scene->site.stats = &scene->stats;
    admin_token_init(&scene->token);
    admin_token_set(&scene->token, TOKEN);
    scene->site.token = &scene->token;
    (void)address_parse_host("127.0.0.1", &scene->site.local);
    scene->site.local.port = 8404;
    *state = scene;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *scene = *state;

    memory_free(scene->bytes);
    stats_destroy(&scene->stats);
    free(scene);
    return 0;
}

static int take(struct scene *scene, const struct admin_answer *answer)
{
    assert_non_null(answer->bytes);
    scene->keep_alive = answer->keep_alive;
    scene->bytes = memory_resize(answer->bytes, answer->size + 1);
    assert_non_null(scene->bytes);
    scene->bytes[answer->size] = '\0';
    return atoi(scene->bytes + sizeof "HTTP/1.1 " - 1);
}

/* The status of the answer, whose text stays in the scene; 0: a reload is to be asked for. `lines` come after Host. */
static int ask_as(struct scene *scene, const char *line, const char *host, const char *lines, bool stopping)
{
    static const struct admin_clock clock = {0, 0};
    char text[512];
    struct http_request request;

    snprintf(text, sizeof text, "%s\r\nHost: %s\r\n%s\r\n", line, host, lines);
    enum http_verdict verdict = http_request_parse(text, strlen(text), &request);
    assert_int_not_equal(verdict, HTTP_MORE);
    memory_free(scene->bytes);
    struct admin_answer answer;
    scene->next = admin_answer(&scene->site, &clock, verdict, &request, stopping, &answer);
    scene->bytes = NULL;
    scene->keep_alive = answer.keep_alive;
    if (scene->next == ADMIN_RELOADS) {
        assert_null(answer.bytes);
        return 0;
    }
    return take(scene, &answer);
}

static int ask(struct scene *scene, const char *line)
{
    return ask_as(scene, line, "127.0.0.1", "", false);
}

static bool answered(const struct scene *scene, const char *text)
{
    return strstr(scene->bytes, text) != NULL;
}

static void test_admin_routes_serve_what_there_is(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(ask(scene, "GET / HTTP/1.1"), 200);
    assert_true(answered(scene, "/stats"));
    assert_int_equal(ask(scene, "GET /stats?x HTTP/1.1"), 200);
    assert_true(answered(scene, "Content-Type: application/json\r\n"));
    assert_true(answered(scene, "\"totals\":"));
    assert_int_equal(ask(scene, "GET http://localhost:8404/health HTTP/1.1"), 200);
    assert_true(answered(scene, "{\"status\":\"serving\"}"));
    assert_true(scene->keep_alive);
}

static void test_admin_routes_find_nothing_else(void **state)
{
    static const char *const lines[] = {"GET /missing HTTP/1.1", "GET /stats/ HTTP/1.1",
                                        "GET /Stats HTTP/1.1",   "GET //stats HTTP/1.1",
                                        "GET /%73tats HTTP/1.1", "POST /x HTTP/1.1"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(ask(*state, lines[i]), 404);
}

static void test_admin_routes_allow_get_and_head_only(void **state)
{
    static const char *const lines[] = {"POST /stats HTTP/1.1", "get /stats HTTP/1.1",  "BREW / HTTP/1.1",
                                        "OPTIONS * HTTP/1.1",   "CONNECT a:1 HTTP/1.1", "HEADER / HTTP/1.1"};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(ask(scene, lines[i]), 405);
        assert_true(answered(scene, "\r\nAllow: GET, HEAD\r\n"));
    }
    assert_int_equal(ask(scene, "HEAD /health HTTP/1.1"), 200);
    assert_false(answered(scene, "serving"));
}

static void test_admin_routes_tell_health_by_the_state(void **state)
{
    struct scene *scene = *state;

    stats_set_state(&scene->stats, STATS_DRAINING);
    assert_int_equal(ask(scene, "GET /health HTTP/1.1"), 503);
    assert_true(answered(scene, "draining"));
    stats_set_state(&scene->stats, STATS_STARTING);
    assert_int_equal(ask(scene, "GET /health HTTP/1.1"), 503);
}

static void test_admin_routes_refuse_foreign_hosts(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "evil.example", "", false), 421);
    assert_false(answered(scene, "totals"));
    assert_false(answered(scene, "evil"));
    assert_int_equal(ask(scene, "GET http://evil.example/stats HTTP/1.1"), 421);
    assert_int_equal(ask_as(scene, "GET /health HTTP/1.1", "evil.example", "", false), 421);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "a@b", "", false), 400);
    assert_false(scene->keep_alive);
}

static void test_admin_routes_ask_for_a_token_unless_on_loopback(void **state)
{
    struct scene *scene = *state;

    (void)address_parse_host("0.0.0.0", &scene->site.local);
    scene->site.local.port = 8404;
    assert_int_equal(ask(scene, "GET /stats HTTP/1.1"), 401);
    assert_true(answered(scene, "\r\nWWW-Authenticate: Bearer"));
    assert_int_equal(ask(scene, "GET /missing HTTP/1.1"), 401);
    assert_int_equal(ask(scene, "GET / HTTP/1.1"), 401);
    assert_int_equal(ask(scene, "GET /health HTTP/1.1"), 200);

    static const char *const wrong[] = {
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: Bearer0123456789abcdef\r\n",
        "Authorization: Bearer 0123456789abcdeg\r\n",
        "Authorization: Bearer 0123456789abcde\r\n",
        "Authorization: Bearer 0123456789abcdef0\r\n",
        "Authorization: Bearer 1123456789abcdef\r\n",
        "Authorization: Bearer " TOKEN TOKEN "\r\n",
        "Token: " TOKEN "\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", wrong[i], false), 401);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", "Authorization: bearer  " TOKEN "\r\n",
                            false),
                     200);
}

static void test_admin_routes_let_nobody_in_without_a_token_to_compare(void **state)
{
    struct scene *scene = *state;

    (void)address_parse_host("10.0.0.1", &scene->site.local);
    admin_token_set(&scene->token, NULL);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", "Authorization: Bearer \r\n", false),
                     401);
}

static void test_admin_routes_forget_the_old_token_with_the_new_one(void **state)
{
    static const char old[] = "Authorization: Bearer " TOKEN "\r\n";
    static const char new[] = "Authorization: Bearer fedcba9876543210fedcba\r\n";
    char text[] = "fedcba9876543210fedcba";
    struct scene *scene = *state;

    (void)address_parse_host("10.0.0.1", &scene->site.local);
    admin_token_set(&scene->token, text);
    memset(text, 'x', sizeof text - 1); /* it was copied */
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", old, false), 401);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", new, false), 200);
    /* A shorter one leaves nothing of the longer one behind. */
    admin_token_set(&scene->token, TOKEN);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", new, false), 401);
    assert_int_equal(ask_as(scene, "GET /stats HTTP/1.1", "10.0.0.1", old, false), 200);
}

static void test_admin_routes_answer_malformed_requests_once(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(ask(scene, "GET /stats HTTP/2.0"), 505);
    assert_false(scene->keep_alive);
    assert_true(answered(scene, "\r\nConnection: close\r\n"));
    assert_true(answered(scene, "\r\nX-Content-Type-Options: nosniff\r\n"));
}

static void test_admin_routes_close_when_the_server_stops(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(ask_as(scene, "GET /health HTTP/1.1", "localhost", "", true), 200);
    assert_false(scene->keep_alive);
    assert_true(answered(scene, "\r\nConnection: close\r\n"));
}

static void test_admin_routes_serve_http_1_0_without_host(void **state)
{
    static const struct admin_clock clock = {0, 0};
    static const char text[] = "GET /health HTTP/1.0\r\n\r\n";
    struct scene *scene = *state;
    struct http_request request;
    struct admin_answer answer;

    enum http_verdict verdict = http_request_parse(text, sizeof text - 1, &request);
    assert_int_equal(admin_answer(&scene->site, &clock, verdict, &request, false, &answer), ADMIN_ANSWERED);
    assert_int_equal(take(scene, &answer), 200);
    assert_false(scene->keep_alive);
}

static void test_admin_routes_answer_what_took_too_long(void **state)
{
    static const struct admin_clock clock = {0, 0};
    struct scene *scene = *state;
    struct admin_answer answer;

    admin_answer_timeout(&clock, &answer);
    assert_int_equal(take(scene, &answer), 408);
    assert_false(scene->keep_alive);
}

#define GOOD "Authorization: Bearer " TOKEN "\r\n"

static void test_admin_routes_reload_with_the_token_only(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1", GOOD, false), 0);
    assert_true(scene->keep_alive);
    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1", "", false), 401);
    assert_true(answered(scene, "\r\nWWW-Authenticate: Bearer"));
    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1",
                            "Authorization: Bearer 0123456789abcdeg\r\n", false),
                     401);
    admin_token_set(&scene->token, NULL);
    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1", GOOD, false), 403);
    assert_true(answered(scene, "token=SECRET"));
}

static void test_admin_routes_reload_by_post_only(void **state)
{
    static const char *const lines[] = {"GET /reload HTTP/1.1", "HEAD /reload HTTP/1.1",
                                        "PUT /reload HTTP/1.1", "post /reload HTTP/1.1"};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(ask_as(scene, lines[i], "127.0.0.1", GOOD, false), 405);
        assert_true(answered(scene, "\r\nAllow: POST\r\n"));
    }
    assert_int_equal(ask_as(scene, "POST /stats HTTP/1.1", "127.0.0.1", GOOD, false), 405);
    assert_true(answered(scene, "\r\nAllow: GET, HEAD\r\n"));
}

static void test_admin_routes_refuse_pages_of_other_sites(void **state)
{
    static const char *const foreign[] = {"http://evil.example",
                                          "null",
                                          "",
                                          "http://localhost",
                                          "127.0.0.1:8404",
                                          "https://127.0.0.1:8404",
                                          "http://127.0.0.1",
                                          "http://",
                                          "http://127.0.0.1:8404.evil.example",
                                          "http://127.0.0.1:84",
                                          "http://127.0.0.1:8404/"};
    struct scene *scene = *state;
    char lines[200];

    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        snprintf(lines, sizeof lines, GOOD "Origin: %s\r\n", foreign[i]);
        assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1:8404", lines, false), 403);
    }
    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "LocalHost:8404",
                            GOOD "Origin: http://localhost:8404\r\n", false),
                     0);
    assert_int_equal(ask_as(scene, "POST /reload HTTP/1.1", "127.0.0.1",
                            GOOD "Origin: http://127.0.0.1\r\nOrigin: http://127.0.0.1\r\n", false),
                     400);
}

static int tell(struct scene *scene, const struct reload_outcome *outcome)
{
    static const struct admin_clock clock = {0, 0};
    struct admin_answer answer = {NULL, 0, true, false};

    memory_free(scene->bytes);
    admin_answer_reload(&scene->site, &clock, outcome, false, &answer);
    return take(scene, &answer);
}

static void test_admin_routes_tell_the_outcome_of_a_reload(void **state)
{
    static const struct reload_outcome applied = {true, 2, "added\n"};
    static const struct reload_outcome refused = {false, 1, "wrong\n"};
    struct scene *scene = *state;

    assert_int_equal(tell(scene, &applied), 200);
    assert_true(answered(scene, "{\"applied\":true,\"generation\":2,\"text\":\"added\\n\"}"));
    assert_true(answered(scene, "\r\nContent-Type: application/json\r\n"));
    assert_true(scene->keep_alive);
    assert_int_equal(tell(scene, &refused), 409);
    assert_true(answered(scene, "\"wrong\\n\""));
    assert_int_equal(tell(scene, NULL), 503);
    assert_true(answered(scene, "\"applied\":false"));
    stats_set_state(&scene->stats, STATS_DRAINING);
    assert_int_equal(tell(scene, &refused), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_admin_routes_serve_what_there_is, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_find_nothing_else, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_allow_get_and_head_only, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_tell_health_by_the_state, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_refuse_foreign_hosts, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_ask_for_a_token_unless_on_loopback, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_let_nobody_in_without_a_token_to_compare,
                                        scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_forget_the_old_token_with_the_new_one, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_answer_malformed_requests_once, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_close_when_the_server_stops, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_serve_http_1_0_without_host, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_answer_what_took_too_long, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_reload_with_the_token_only, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_reload_by_post_only, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_refuse_pages_of_other_sites, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(test_admin_routes_tell_the_outcome_of_a_reload, scene_open,
                                        scene_close),
    };

    return cmocka_run_group_tests_name("admin_routes", tests, NULL, NULL);
}
