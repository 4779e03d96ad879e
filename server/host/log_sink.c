#include "host/log_sink.h"

#include "host/line_writer.h"
#include "host/wide.h"
#include "relay/session_log.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

enum { WHY_BYTES = 200 };

static struct line_writer log_writer;
static struct line_writer session_writer;
static log_event_writer *event_writer;

/* --- the log ---------------------------------------------------------------------------------------------- */

static void wake_log(bool urgent)
{
    line_writer_wake(&log_writer, urgent);
}

/* Hands events on; answers whether the line is for the log too. */
static bool want_line(const char *line, size_t length, uint32_t tag)
{
    if (log_tag_event(tag) != EVENT_NONE && event_writer != NULL) {
        char text[LOG_LINE_BYTES];
        size_t bytes = length - LOG_TEXT_AT - 1;
        memcpy(text, line + LOG_TEXT_AT, bytes);
        text[bytes] = '\0';
        event_writer(log_tag_event(tag), log_tag_level(tag), text);
    }
    return !log_tag_is_hidden(tag);
}

static const char *log_name(const char *file)
{
    return file != NULL ? file : "standard error";
}

static void log_changed(const char *file, const char *former)
{
    if (former != NULL || log_writer.thread != NULL)
        log_info("the log goes on here, in %s; before, it went to %s", log_name(file), log_name(former));
}

static void log_refused(const char *file, const char *kept, uint32_t os_code)
{
    char why[WHY_BYTES];

    log_error("log_file %s cannot be opened: %s; the log goes on in %s", file,
              wide_describe_error(os_code, why, sizeof why), log_name(kept));
}

/* The log itself cannot say it. */
static void log_failed(const char *file, uint32_t os_code)
{
    char text[LOG_LINE_BYTES];
    char why[WHY_BYTES];

    if (event_writer == NULL)
        return;
    snprintf(text, sizeof text, "the log cannot be written to %s: %s; its lines are lost until it can",
             log_name(file), wide_describe_error(os_code, why, sizeof why));
    event_writer(EVENT_EXHAUSTED, LOG_ERROR, text);
}

static void log_recovered(const char *file, uint64_t lost)
{
    (void)file;
    log_add_lost(lost);
}

/* --- the session log -------------------------------------------------------------------------------------- */

static void wake_session_log(bool urgent)
{
    line_writer_wake(&session_writer, urgent);
}

static void session_log_changed(const char *file, const char *former)
{
    (void)former;
    session_log_turn(file != NULL);
    if (file != NULL)
        log_info("session log: finished sessions are written to %s", file);
    else if (former != NULL)
        log_info("session log: off");
}

static void session_log_refused(const char *file, const char *kept, uint32_t os_code)
{
    char why[WHY_BYTES];

    log_error("session_log %s cannot be opened: %s; %s%s", file,
              wide_describe_error(os_code, why, sizeof why),
              kept != NULL ? "it goes on in " : "there is none", kept != NULL ? kept : "");
}

static void session_log_failed(const char *file, uint32_t os_code)
{
    char why[WHY_BYTES];

    log_error("session_log %s cannot be written: %s; its lines are lost until it can", file,
              wide_describe_error(os_code, why, sizeof why));
}

static void session_log_recovered(const char *file, uint64_t lost)
{
    session_log_add_lost(lost);
    log_warn("session_log %s is written again; %llu lines were lost", file, (unsigned long long)lost);
}

/* --- both ------------------------------------------------------------------------------------------------- */

static struct line_writer_target log_target(const struct log_sink_options *options)
{
    struct line_writer_target target = {options->file, options->rotate_bytes, options->rotate_keep};

    return target;
}

static struct line_writer_target session_target(const struct log_sink_options *options)
{
    struct line_writer_target target = {options->session_file, options->rotate_bytes, options->rotate_keep};

    return target;
}

static void prepare(log_event_writer *writer)
{
    const struct line_writer_hooks log_hooks = {log_take,    want_line,  log_changed,
                                                log_refused, log_failed, log_recovered};
    const struct line_writer_hooks session_hooks = {session_log_take,    NULL,
                                                    session_log_changed, session_log_refused,
                                                    session_log_failed,  session_log_recovered};
    HANDLE error = GetStdHandle(STD_ERROR_HANDLE);

    event_writer = writer;
    log_writer.hooks = log_hooks;
    /* Without standard error (a service has none) the lines are taken all the same, and go nowhere. */
    log_writer.without_file = error == INVALID_HANDLE_VALUE ? NULL : error;
    session_writer.hooks = session_hooks;
    session_writer.linger_ms = SESSION_LOG_LINGER_MS;
}

bool log_sink_start(const struct log_sink_options *options, uint32_t *os_code)
{
    struct line_writer_target target = log_target(options);

    prepare(options->event_writer);
    log_set_wake(wake_log);
    session_log_set_wake(wake_session_log);
    if (!line_writer_start(&log_writer, &target, os_code))
        return false;
    target = session_target(options);
    if (!line_writer_start(&session_writer, &target, os_code)) {
        session_log_turn(false);
        (void)line_writer_stop(&log_writer);
        return false;
    }
    return true;
}

static bool check(const char *key, const char *file, char *why, size_t why_bytes)
{
    char reason[WHY_BYTES];
    uint32_t os_code = 0;

    if (file == NULL || rotating_file_is_possible(file, &os_code))
        return true;
    snprintf(why, why_bytes, "%s %s cannot be written: %s", key, file,
             wide_describe_error(os_code, reason, sizeof reason));
    return false;
}

bool log_sink_check(const struct log_sink_options *options, char *why, size_t why_bytes)
{
    return check("log_file", options->file, why, why_bytes) &&
           check("session_log", options->session_file, why, why_bytes);
}

void log_sink_configure(const struct log_sink_options *options)
{
    struct line_writer_target log = log_target(options);
    struct line_writer_target session = session_target(options);

    if (!line_writer_change(&log_writer, &log) || !line_writer_change(&session_writer, &session))
        log_error("no memory to change the files of the logs; they may stay as they were");
}

/* The session log first: what it has to say goes to the log. */
bool log_sink_stop(void)
{
    bool sessions_written = line_writer_stop(&session_writer);

    return line_writer_stop(&log_writer) && sessions_written;
}
