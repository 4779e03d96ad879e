#include "tests/sim/sim_admin.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_net.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 64 * 1024, REQUEST_BYTES_MAX = 512 };

enum manner {
    MANNER_GOOD,
    MANNER_PIPELINES, /* sends all requests before it reads the first answer */
    MANNER_GARBAGE,
    MANNER_SLEEPS, /* stops in the middle of a request */
    MANNER_LEAVES, /* closes in the middle */
    MANNER_DEAF,   /* never reads an answer */
    MANNER_COUNT
};

struct reader {
    enum manner manner;
    bool must_succeed;
    bool posts; /* asks for reloads */
    struct net_end *end;
    char request[REQUEST_BYTES_MAX];
    uint32_t request_bytes;
    uint32_t request_sent;
    uint32_t requests; /* in the text above */
    uint32_t answered;
    char *answer;
    uint32_t answer_bytes;
    bool scheduled;
    bool fin_sent;
    bool ended;
    struct reader *next;
};

static struct reader *readers;
static uint32_t active;

void admin_clients_begin(void)
{
    readers = NULL;
    active = 0;
}

uint32_t admin_clients_active(void)
{
    return active;
}

static void reader_acts(void *object, uint64_t argument);

static void reader_schedule(struct reader *reader, uint64_t delay_us)
{
    if (!reader->scheduled && !reader->ended) {
        reader->scheduled = true;
        sim_at(delay_us, SIM_LABEL_PEER, reader_acts, reader, 0);
    }
}

static void reader_ends(struct reader *reader, const char *why)
{
    if (reader->must_succeed && reader->answered < reader->requests) {
        sim_fail("I8", "a reader of the statistics got %u of %u answers: %s", reader->answered,
                 reader->requests, why);
    }
    reader->ended = true;
    active--;
    if (reader->end != NULL) {
        net_close(reader->end);
    }
}

/* --- what an answer says ---------------------------------------------------------------------------------------- */

static double number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item)) {
        sim_fail("I11", "the statistics lack the number %s", name);
    }
    return item->valuedouble;
}

static void check_scope(const cJSON *scope)
{
    const cJSON *sessions = cJSON_GetObjectItemCaseSensitive(scope, "sessions");
    const cJSON *closed = cJSON_GetObjectItemCaseSensitive(scope, "closed");
    const cJSON *reason;
    double sum = 0;
    cJSON_ArrayForEach(reason, closed)
    {
        sum += reason->valuedouble;
    }
    double total = number_of(sessions, "total");
    double now = number_of(sessions, "active");
    if (total != now + sum) {
        sim_fail("I11", "a listener tells of %.0f sessions, %.0f active and %.0f closed", total, now, sum);
    }
}

static void check_state(const cJSON *listener)
{
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(listener, "state");
    if (!cJSON_IsString(state) ||
        (strcmp(state->valuestring, "listening") != 0 && strcmp(state->valuestring, "removed") != 0)) {
        sim_fail("I11", "a listener is neither listening nor removed");
    }
    if (sim_plan.reloads == 0 && state->valuestring[0] == 'r') {
        sim_fail("N1", "a listener is removed, and there was no reload");
    }
}

static void check_server(const cJSON *server)
{
    const cJSON *reload = cJSON_GetObjectItemCaseSensitive(server, "reload");
    double attempts = number_of(reload, "attempts");
    const cJSON *applied = cJSON_GetObjectItemCaseSensitive(reload, "applied");
    double generation = number_of(server, "config_generation");
    if (number_of(server, "config_generations_in_use") < 1 || generation < 1 || generation > attempts + 2) {
        sim_fail("N4", "the statistics tell of generation %.0f after %.0f reloads", generation, attempts);
    }
    if ((attempts > 0) != cJSON_IsBool(applied)) {
        sim_fail("N1", "the statistics tell of %.0f reloads, but not whether the last was applied", attempts);
    }
}

static void check_json(const char *text, size_t bytes)
{
    struct sim_memory saved = sim_memory;
    sim_memory.faults = false;
    sim_memory.fail_at = 0;
    cJSON *root = cJSON_ParseWithLength(text, bytes);
    if (root == NULL) {
        sim_fail("I11", "the statistics are no JSON: %.*s", (int)bytes, text);
    }
    check_server(cJSON_GetObjectItemCaseSensitive(root, "server"));
    const cJSON *listener;
    cJSON_ArrayForEach(listener, cJSON_GetObjectItemCaseSensitive(root, "listeners"))
    {
        check_scope(listener);
        check_state(listener);
    }
    cJSON_Delete(root);
    sim_memory = saved;
}

/* What a POST /reload is answered: applied, refused, not now, or not by him. */
static void check_reloaded(const struct reader *reader, long status, const char *text, size_t bytes)
{
    bool known =
        status == 200 || status == 409 || status == 503 || status == 401 || status == 403 || status == 408;
    if (reader->must_succeed ? status != 200 && status != 409 : !known) {
        sim_fail("N7", "POST /reload is answered with %ld", status);
    }
    if (status != 200 && status != 409) {
        return;
    }
    struct sim_memory saved = sim_memory;
    sim_memory.faults = false;
    sim_memory.fail_at = 0;
    cJSON *root = cJSON_ParseWithLength(text, bytes);
    const cJSON *applied = cJSON_GetObjectItemCaseSensitive(root, "applied");
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(root, "text");
    /* For want of memory the words may be missing. */
    if (!cJSON_IsString(words) || (reader->must_succeed && words->valuestring[0] == '\0') ||
        !(status == 200 ? cJSON_IsTrue(applied) : cJSON_IsFalse(applied)) ||
        number_of(root, "generation") < (status == 200 ? 2 : 1)) {
        sim_fail("N7", "POST /reload is answered with %ld and %.*s", status, (int)bytes, text);
    }
    cJSON_Delete(root);
    sim_memory = saved;
}

/* The number after a name in the head of the answer, or -1. */
static long header_number(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = head; at + length < end; at++) {
        size_t i = 0;
        while (i < length && (at[i] | 0x20) == name[i]) {
            i++;
        }
        if (i == length) {
            return strtol(at + length, NULL, 10);
        }
    }
    return -1;
}

/* Takes one whole answer out of the buffer; false when there is none yet. */
static bool take_answer(struct reader *reader)
{
    static const char blank[] = "\r\n\r\n";
    reader->answer[reader->answer_bytes] = '\0';
    const char *end = strstr(reader->answer, blank);
    if (end == NULL) {
        return false;
    }
    end += sizeof blank - 1;
    long length = header_number(reader->answer, end, "content-length: ");
    if (strncmp(reader->answer, "HTTP/1.1 ", 9) != 0 || length < 0) {
        sim_fail("I11", "an answer of the statistics is no HTTP");
    }
    size_t whole = (size_t)(end - reader->answer) + (size_t)length;
    if (reader->answer_bytes < whole) {
        return false;
    }
    long status = strtol(reader->answer + 9, NULL, 10);
    if (reader->posts) {
        check_reloaded(reader, status, end, (size_t)length);
    } else if (status == 200 && reader->manner == MANNER_GARBAGE) {
        /* It may have asked for another page. */
    } else if (status == 200) {
        check_json(end, (size_t)length);
    } else if (reader->must_succeed) {
        sim_fail("I8", "the statistics answer %ld", status);
    }
    reader->answer_bytes -= (uint32_t)whole;
    memmove(reader->answer, reader->answer + whole, reader->answer_bytes);
    reader->answered++;
    return true;
}

/* --- acting ------------------------------------------------------------------------------------------------------ */

static bool reader_reads(struct reader *reader)
{
    uint32_t room = ANSWER_BYTES_MAX - 1 - reader->answer_bytes;
    if (reader->manner == MANNER_DEAF && !sim_faults.calm) {
        return false;
    }
    uint32_t bytes = net_read(reader->end, reader->answer + reader->answer_bytes, room);
    reader->answer_bytes += bytes;
    while (bytes > 0 && take_answer(reader)) {
        /* The next one may have come with it. */
    }
    return bytes > 0;
}

static bool reader_writes(struct reader *reader)
{
    uint32_t most = reader->request_bytes;
    if (reader->manner == MANNER_GOOD) {
        /* One request at a time. */
        most = reader->request_bytes / reader->requests * (reader->answered + 1);
        most = most > reader->request_bytes ? reader->request_bytes : most;
    } else if (reader->manner == MANNER_SLEEPS && !sim_faults.calm) {
        most = reader->request_bytes / 2;
    }
    uint32_t left = most - reader->request_sent;
    if (most <= reader->request_sent) {
        return false;
    }
    uint32_t bytes = sim_below(3) == 0 ? 1 + sim_below(left) : left;
    bytes = net_write(reader->end, reader->request + reader->request_sent, bytes);
    reader->request_sent += bytes;
    return bytes > 0;
}

static bool reader_is_over(struct reader *reader)
{
    if (reader->end->state == NET_DEAD) {
        reader_ends(reader, "reset");
    } else if (net_at_end(reader->end)) {
        reader_ends(reader, "closed");
    } else if (reader->manner == MANNER_LEAVES && reader->request_sent >= reader->request_bytes / 2) {
        if (sim_below(2) == 0) {
            net_reset(reader->end);
        }
        reader_ends(reader, "left");
    } else if (reader->end->silent && sim_faults.calm) {
        net_reset(reader->end);
        reader_ends(reader, "silence");
    }
    return reader->ended;
}

static void reader_acts(void *object, uint64_t argument)
{
    struct reader *reader = object;
    (void)argument;
    reader->scheduled = false;
    if (reader->ended || reader->end == NULL) {
        return;
    }
    bool moved = reader_reads(reader);
    if (reader_is_over(reader)) {
        return;
    }
    moved = reader_writes(reader) || moved;
    bool all = reader->request_sent == reader->request_bytes && reader->answered >= reader->requests;
    if ((all || (sim_faults.calm && reader->manner != MANNER_GOOD && reader->manner != MANNER_PIPELINES)) &&
        !reader->fin_sent) {
        net_shutdown(reader->end);
        reader->fin_sent = true;
    }
    if (moved) {
        reader_schedule(reader, sim_faults.calm ? 1 : sim_delay(2000));
    }
}

static void reader_notified(void *user, struct net_end *end)
{
    (void)end;
    reader_schedule(user, sim_faults.calm ? 1 : sim_delay(500));
}

static void reader_connected(void *user, enum net_result result, struct net_end *end)
{
    struct reader *reader = user;
    if (result != NET_OK) {
        reader_ends(reader, "refused");
        return;
    }
    reader->end = end;
    end->user = reader;
    end->notify = reader_notified;
    reader_schedule(reader, 1);
}

static void reader_comes(void *object, uint64_t argument)
{
    static const struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 3, 1}};
    static const struct address to = {ADDRESS_V4, 0, SETUP_STATS_PORT, 0, {127, 0, 0, 1}};
    (void)argument;
    net_connect(&from, &to, reader_connected, object);
}

/* Nothing takes so long that the server's deadlines for a reader could pass. */
static bool all_is_quick(void)
{
    return sim_faults.calm ||
           (sim_faults.rates[SIM_FAULT_STALL] == 0 && sim_faults.rates[SIM_FAULT_SLOW_NETWORK] == 0 &&
            sim_faults.rates[SIM_FAULT_SLOW_COMPLETION] == 0 &&
            sim_faults.rates[SIM_FAULT_SLOW_WORKER] == 0 && sim_faults.network_us <= 512 &&
            sim_faults.worker_us <= 16 && sim_faults.completion_us <= 512);
}

/* Who asks for a reload has the right token, or did, or will have. Timed and harsh worlds need to know when reloads come. */
static void write_requests(struct reader *reader)
{
    reader->posts = sim_plan.reloads > 0 && !sim_plan.timed && !sim_plan.harsh &&
                    reader->manner != MANNER_GARBAGE && sim_below(2) == 0 &&
                    (!reader->must_succeed || (sim_plan.setup.token != 0 && sim_faults.calm));
    reader->requests = reader->posts ? sim_between(1, reader->must_succeed ? 1 : 2) : sim_between(1, 4);
    uint32_t token =
        reader->must_succeed || sim_below(2) == 0 ? sim_plan.setup.token : sim_below(SETUP_TOKENS);
    for (uint32_t i = 0; i < reader->requests; i++) {
        int bytes = snprintf(
            reader->request + reader->request_bytes, sizeof reader->request - reader->request_bytes,
            reader->posts
                ? "POST /reload HTTP/1.1\r\nHost: 127.0.0.1:8404\r\nAuthorization: Bearer " SETUP_TOKEN
                  "%u\r\nContent-Length: 0\r\n\r\n"
                : "GET /stats HTTP/1.1\r\nHost: 127.0.0.1:8404\r\n\r\n",
            token);
        reader->request_bytes += (uint32_t)bytes;
    }
}

void admin_client_add(uint64_t delay_us, bool well_behaved)
{
    struct reader *reader = sim_arena(sizeof *reader);
    reader->must_succeed = well_behaved && all_is_quick();
    reader->manner = well_behaved ? (enum manner)sim_below(2) : (enum manner)sim_below(MANNER_COUNT);
    reader->answer = sim_arena(ANSWER_BYTES_MAX);
    write_requests(reader);
    if (reader->manner == MANNER_GARBAGE) {
        for (uint32_t i = 0; i < reader->request_bytes; i++) {
            if (sim_below(20) == 0) {
                reader->request[i] = (char)sim_below(256);
            }
        }
    }
    reader->next = readers;
    readers = reader;
    active++;
    sim_at(delay_us, SIM_LABEL_HOST, reader_comes, reader, 0);
}

void admin_clients_nudge(void)
{
    for (struct reader *reader = readers; reader != NULL; reader = reader->next) {
        if (!reader->ended && reader->end != NULL) {
            sim_at(1, SIM_LABEL_PEER, reader_acts, reader, 0);
        }
    }
}
