#include "host/statistics_client.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>
#include <winhttp.h>

#include <stdio.h>
#include <string.h>

/* winhttp.dll is loaded by hand: linked, it would be searched for beside the executable before main can forbid that. */
static struct {
    HINTERNET(WINAPI *open)(const wchar_t *, DWORD, const wchar_t *, const wchar_t *, DWORD);
    HINTERNET(WINAPI *connect)(HINTERNET, const wchar_t *, INTERNET_PORT, DWORD);
    HINTERNET(WINAPI *open_request)
    (HINTERNET, const wchar_t *, const wchar_t *, const wchar_t *, const wchar_t *, const wchar_t **, DWORD);
    BOOL(WINAPI *set_timeouts)(HINTERNET, int, int, int, int);
    BOOL(WINAPI *send)(HINTERNET, const wchar_t *, DWORD, void *, DWORD, DWORD, DWORD_PTR);
    BOOL(WINAPI *receive)(HINTERNET, void *);
    BOOL(WINAPI *query)(HINTERNET, DWORD, const wchar_t *, void *, DWORD *, DWORD *);
    BOOL(WINAPI *read)(HINTERNET, void *, DWORD, DWORD *);
    BOOL(WINAPI *close)(HINTERNET);
} http;

typedef void any_function(void);

static bool load(void)
{
    HMODULE library = LoadLibraryExW(L"winhttp.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    const struct {
        const char *name;
        any_function **function;
    } table[] = {
        {"WinHttpOpen", (any_function **)&http.open},
        {"WinHttpConnect", (any_function **)&http.connect},
        {"WinHttpOpenRequest", (any_function **)&http.open_request},
        {"WinHttpSetTimeouts", (any_function **)&http.set_timeouts},
        {"WinHttpSendRequest", (any_function **)&http.send},
        {"WinHttpReceiveResponse", (any_function **)&http.receive},
        {"WinHttpQueryHeaders", (any_function **)&http.query},
        {"WinHttpReadData", (any_function **)&http.read},
        {"WinHttpCloseHandle", (any_function **)&http.close},
    };

    for (size_t i = 0; library != NULL && i < sizeof table / sizeof table[0]; i++) {
        *table[i].function = (any_function *)GetProcAddress(library, table[i].name);
        if (*table[i].function == NULL)
            return false;
    }
    return library != NULL;
}

struct answer {
    DWORD status;
    char *body;
    size_t bytes;
};

/* Reads to the end, or until the time or the room is used up; false with the system's error. */
static bool read_body(HINTERNET request, uint64_t deadline_ms, struct answer *answer)
{
    size_t room = 0;

    for (;;) {
        DWORD count = 0;
        if (room - answer->bytes < 4096) {
            size_t wanted = room == 0 ? 16384 : room * 2;
            char *larger = wanted > STATISTICS_BYTES_MAX ? NULL : memory_resize(answer->body, wanted);
            if (larger == NULL) {
                SetLastError(ERROR_NOT_ENOUGH_MEMORY);
                return false;
            }
            answer->body = larger;
            room = wanted;
        }
        if (!http.read(request, answer->body + answer->bytes, (DWORD)(room - answer->bytes), &count))
            return false;
        if (count == 0)
            return true;
        answer->bytes += count;
        if (GetTickCount64() > deadline_ms) {
            SetLastError(ERROR_WINHTTP_TIMEOUT);
            return false;
        }
    }
}

/* The header with the token, or NULL: there is no token, or no memory. */
static wchar_t *authorization(const char *token)
{
    static const char scheme[] = "Authorization: Bearer ";
    wchar_t *wide = NULL;

    if (token == NULL)
        return NULL;
    size_t bytes = sizeof scheme + strlen(token);
    char *text = memory_allocate(bytes, 1);
    if (text != NULL) {
        snprintf(text, bytes, "%s%s", scheme, token);
        wide = wide_from_text(text);
    }
    memory_free(text);
    return wide;
}

static bool exchange(HINTERNET request, const char *token, int timeout_ms, struct answer *answer)
{
    uint64_t deadline_ms = GetTickCount64() + (uint64_t)timeout_ms;
    wchar_t *headers = authorization(token);
    DWORD size = sizeof answer->status;

    bool done = http.set_timeouts(request, timeout_ms, timeout_ms, timeout_ms, timeout_ms) &&
                http.send(request, headers, headers == NULL ? 0 : (DWORD)-1, NULL, 0, 0, 0) &&
                http.receive(request, NULL) &&
                http.query(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, NULL,
                           &answer->status, &size, NULL) &&
                read_body(request, deadline_ms, answer);
    DWORD error = GetLastError();
    memory_free(headers);
    SetLastError(error);
    return done;
}

/* Where to ask an endpoint that listens on every address. */
static const char *host_of(const struct config_endpoint *endpoint)
{
    if (strcmp(endpoint->host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(endpoint->host, "::") == 0 ? "[::1]" : endpoint->host;
}

/* False with the system's error; `answer->body` is the caller's in either case. */
static bool ask(const struct config_stats *stats, const wchar_t *method, const wchar_t *path, int timeout_ms,
                struct answer *answer)
{
    const struct config_endpoint *listen = &stats->listen;
    HINTERNET session = NULL;
    HINTERNET connection = NULL;
    HINTERNET request = NULL;
    char host[HOST_NAME_BYTES + 2];
    bool done = false;

    if (!load())
        return false;
    bool bare = strchr(listen->host, ':') != NULL && strcmp(listen->host, "::") != 0;
    snprintf(host, sizeof host, bare ? "[%s]" : "%s", host_of(listen));
    wchar_t *wide = wide_from_text(host);
    if (wide != NULL)
        session = http.open(L"fairlead", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    if (session != NULL)
        connection = http.connect(session, wide, listen->port, 0);
    if (connection != NULL)
        request = http.open_request(connection, method, path, NULL, NULL, NULL, 0);
    if (request != NULL)
        done = exchange(request, stats->token, timeout_ms, answer);
    DWORD error = GetLastError();
    memory_free(wide);
    if (request != NULL)
        http.close(request);
    if (connection != NULL)
        http.close(connection);
    if (session != NULL)
        http.close(session);
    SetLastError(error);
    return done;
}

static const char *refusal(const struct config_stats *stats, const char *file)
{
    if (file == NULL)
        return stats->token == NULL ? "it wants its token, in the environment variable FAIRLEAD_TOKEN"
                                    : "the token in FAIRLEAD_TOKEN is not the one it runs with";
    return stats->token == NULL ? "it wants a token, and there is no token= in [stats]"
                                : "the token of the configuration is not the one it runs with";
}

static enum statistics_status request(const struct config_stats *stats, const char *file,
                                      const wchar_t *method, const wchar_t *path, int timeout_ms,
                                      struct answer *answer, char *why, size_t why_bytes)
{
    char error[300];

    answer->body = NULL;
    answer->bytes = 0;
    answer->status = 0;
    if (!stats->enabled || stats->listen.port == 0) {
        snprintf(why, why_bytes,
                 stats->enabled ? "its statistics are on a port that the system chose (port 0 in %s)"
                                : "its statistics are off (listen=off in %s)",
                 file);
        return STATISTICS_OFF;
    }
    if (!ask(stats, method, path, timeout_ms, answer)) {
        wide_describe_error(GetLastError(), error, sizeof error);
        snprintf(why, why_bytes, "its statistics do not answer on %s: %s", stats->listen.text, error);
        return STATISTICS_SILENT;
    }
    if (answer->status == 401 || answer->status == 403) {
        snprintf(why, why_bytes, "%s refused this: %s", stats->listen.text, refusal(stats, file));
        return STATISTICS_REFUSED;
    }
    if (answer->status == 421) {
        snprintf(why, why_bytes, "%s refused this: it wants to be asked by its address, not by a name",
                 stats->listen.text);
        return STATISTICS_REFUSED;
    }
    return STATISTICS_OK;
}

static enum statistics_status foreign(const struct config_stats *stats, const struct answer *answer,
                                      char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "what answers on %s is no fairlead that knows this (status %lu)",
             stats->listen.text, (unsigned long)answer->status);
    return STATISTICS_FOREIGN;
}

enum statistics_status statistics_read(const struct config_stats *stats, const char *file, char **json,
                                       size_t *bytes, struct stats_summary *summary, char *why,
                                       size_t why_bytes)
{
    struct answer answer;

    *json = NULL;
    *bytes = 0;
    enum statistics_status status =
        request(stats, file, L"GET", L"/stats", STATISTICS_TIMEOUT_MS, &answer, why, why_bytes);
    if (status == STATISTICS_OK && !stats_summary_parse(answer.body, answer.bytes, summary))
        status = foreign(stats, &answer, why, why_bytes);
    if (status == STATISTICS_OK) {
        *json = answer.body;
        *bytes = answer.bytes;
    } else {
        memory_free(answer.body);
    }
    return status;
}

enum statistics_status statistics_fetch(const struct config *config, struct stats_summary *summary, char *why,
                                        size_t why_bytes)
{
    char *json;
    size_t bytes;

    enum statistics_status status =
        statistics_read(&config->stats, config->file, &json, &bytes, summary, why, why_bytes);
    memory_free(json);
    return status;
}

enum statistics_status statistics_reload(const struct config *config, struct stats_reload_answer *reload,
                                         char *why, size_t why_bytes)
{
    struct answer answer;

    enum statistics_status status = request(&config->stats, config->file, L"POST", L"/reload",
                                            SERVICE_RELOAD_MS, &answer, why, why_bytes);
    if (status == STATISTICS_OK && !stats_summary_parse_reload(answer.body, answer.bytes, reload))
        status = foreign(&config->stats, &answer, why, why_bytes);
    memory_free(answer.body);
    return status;
}
