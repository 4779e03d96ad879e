/* stats. */
#include "host/verbs.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/version.h"
#include "config/endpoint.h"
#include "host/config_file.h"
#include "host/service_paths.h"
#include "host/statistics_client.h"
#include "host/verbs_common.h"
#include "host/wide.h"
#include "stats/listing.h"
#include "stats/rates.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

enum { TITLE_EVERY_LINES = 20 };

/* Whose statistics: of a configuration, or at an address. */
struct target {
    struct config *config; /* or NULL */
    struct config_stats stats;
    const char *file; /* for messages; NULL: an address was given */
    struct endpoint endpoint;
    char text[HOST_NAME_BYTES + 16];
    char *token;
};

/* --- whose --- */

static int refuse_url(const char *url, const char *why)
{
    fprintf(stderr, "fairlead: --url %.200s: %s\n", url, why);
    return VERB_USAGE;
}

/* A secret on the command line would be seen by other programs and kept in the history of the shell. */
static char *token_of_environment(void)
{
    const DWORD size = 4096;
    wchar_t *wide = memory_allocate(size, sizeof *wide);
    char *token = NULL;

    if (wide == NULL)
        return NULL;
    DWORD length = GetEnvironmentVariableW(L"FAIRLEAD_TOKEN", wide, size);
    if (length > 0 && length < size)
        token = wide_to_text(wide);
    memory_free(wide);
    return token;
}

static int take_url(const char *url, struct target *target)
{
    static const char scheme[] = "http://";
    char advice[300];
    bool has_scheme = strncmp(url, scheme, sizeof scheme - 1) == 0;
    const char *text = has_scheme ? url + sizeof scheme - 1 : url;
    size_t length = strcspn(text, "/?#");
    const char *path = text + length;

    if (strstr(text, "://") != NULL)
        return refuse_url(url, "the statistics are asked with http:// only");
    if (path[0] != '\0' && strcmp(path, "/") != 0 && strcmp(path, "/stats") != 0)
        return refuse_url(url, "nothing may follow the port but /stats, as in http://127.0.0.1:8404/stats");
    if (length >= sizeof target->text)
        return refuse_url(url, "no host has so long a name");
    snprintf(target->text, sizeof target->text, "%.*s", (int)length, text);
    enum endpoint_error error = endpoint_parse(ENDPOINT_CONNECT, target->text, &target->endpoint);
    if (error != ENDPOINT_OK)
        return refuse_url(url, endpoint_advise(error, ENDPOINT_CONNECT, target->text, advice, sizeof advice));
    target->token = token_of_environment();
    target->stats.enabled = true;
    target->stats.listen.text = target->text;
    target->stats.listen.host = target->endpoint.host;
    target->stats.listen.port = target->endpoint.port;
    target->stats.token = target->token;
    return VERB_OK;
}

static int take_config(const char *path, struct target *target)
{
    target->config = path == NULL ? NULL : config_file_load(path, "");
    if (target->config == NULL)
        return VERB_USAGE;
    target->stats = target->config->stats;
    target->file = target->config->file;
    return VERB_OK;
}

static int take_file(const char *given, struct target *target)
{
    char *path = config_file_find(given);
    int code = take_config(path, target);

    memory_free(path);
    return code;
}

/* The service's configuration; without a service, and without a name for one, server.ini's as for `run`. */
static int take_service(const char *name, struct target *target)
{
    struct verbs_service found;
    int code = VERB_FAILED;

    enum verbs_found state = verbs_find(name == NULL ? SERVICE_NAME_DEFAULT : name, SERVICE_LOOK, &found);
    if (state == VERBS_FOUND)
        code = take_config(found.config, target);
    else if (state == VERBS_MISSING && name == NULL)
        code = take_file(NULL, target);
    else if (state == VERBS_MISSING)
        verbs_say_missing(name);
    verbs_release(&found);
    return code;
}

static int take_target(const struct command *command, struct target *target)
{
    memset(target, 0, sizeof *target);
    if (command->url != NULL)
        return take_url(command->url, target);
    if (command->config != NULL)
        return take_file(command->config, target);
    return take_service(command->name, target);
}

static void release_target(struct target *target)
{
    if (target->token != NULL)
        SecureZeroMemory(target->token, strlen(target->token));
    memory_free(target->token);
    config_free(target->config);
}

/* --- one look --- */

struct look {
    char *json;
    size_t bytes;
    struct stats_summary summary;
};

static bool look(const struct target *target, struct look *look)
{
    char why[400];

    if (statistics_read(&target->stats, target->file, &look->json, &look->bytes, &look->summary, why,
                        sizeof why) == STATISTICS_OK)
        return true;
    fflush(stdout); /* in the order of the events, also where both go to one file */
    fprintf(stderr, "fairlead: %s\n", why);
    fflush(stderr); /* not every C library writes it at once to a file */
    return false;
}

static bool print_json(const struct look *look)
{
    fwrite(look->json, 1, look->bytes, stdout);
    putchar('\n');
    return true;
}

static bool print_tables(const struct look *look)
{
    const struct stats_summary *summary = &look->summary;
    struct listing listing;
    char line[400];

    char *tables = listing_parse(look->json, look->bytes, &listing) ? listing_print(&listing) : NULL;
    listing_free(&listing);
    if (tables == NULL) {
        fprintf(stderr, "fairlead: out of memory\n");
        return false;
    }
    printf("%s %s, process %llu\n", FAIRLEAD_NAME, summary->version, (unsigned long long)summary->pid);
    printf("%s\n", stats_summary_format(summary, line, sizeof line));
    if (summary->has_reload && summary->reload_attempts > 0 && !summary->reload_applied)
        printf("the last reload was refused:\n%s\n", summary->reload_text);
    printf("%s", tables);
    memory_free(tables);
    return true;
}

/* --- again and again --- */

static HANDLE interrupted;

static BOOL WINAPI handle_event(DWORD event)
{
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        return FALSE;
    SetEvent(interrupted);
    return TRUE;
}

static void print_rates(const struct stats_summary *before, const struct stats_summary *now, unsigned lines)
{
    char line[300];
    SYSTEMTIME time;

    GetSystemTime(&time);
    if (lines % TITLE_EVERY_LINES == 0)
        printf("time UTC  %s\n", rates_title());
    printf("%02u:%02u:%02u  %s\n", time.wHour, time.wMinute, time.wSecond,
           rates_format(before, now, line, sizeof line));
}

/* A server that does not answer for a while is said each time, and comes back perhaps; the first look was a success. */
static void watch(const struct target *target, bool json, struct stats_summary before)
{
    unsigned lines = 0;

    while (WaitForSingleObject(interrupted, STATS_WATCH_MS) == WAIT_TIMEOUT) {
        struct look now = {NULL, 0, before};
        if (look(target, &now) && json) {
            print_json(&now);
        } else if (now.json != NULL) {
            print_rates(&before, &now.summary, lines++);
            before = now.summary;
        }
        memory_free(now.json);
        if (fflush(stdout) != 0)
            return; /* whoever read it has gone */
    }
}

static int show(const struct command *command, const struct target *target)
{
    struct look first = {.json = NULL};

    if (!look(target, &first))
        return VERB_FAILED;
    bool done = command->json ? print_json(&first) : command->watch || print_tables(&first);
    memory_free(first.json);
    if (done && command->watch) {
        fflush(stdout);
        watch(target, command->json, first.summary);
    }
    return done ? VERB_OK : VERB_FAILED;
}

int verbs_stats(const struct command *command)
{
    struct target target;
    int code = take_target(command, &target);

    if (code == VERB_OK && command->watch) {
        interrupted = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (interrupted == NULL || !SetConsoleCtrlHandler(handle_event, TRUE))
            code = VERB_FAILED;
    }
    if (code == VERB_OK)
        code = show(command, &target);
    release_target(&target);
    return code;
}
