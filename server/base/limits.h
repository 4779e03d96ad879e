/*
 * limits: every limit and fixed time of Fairlead, with the reason for its value.
 *
 * What an administrator may want to change is a key of server.ini instead (config/config.h holds those defaults).
 */
#ifndef FAIRLEAD_BASE_LIMITS_H
#define FAIRLEAD_BASE_LIMITS_H

/* Workers: one per processor is the default; more than this only adds contention on one completion port. */
#define WORKERS_MAX 64

/* Completions taken in one call. Large enough to spread the cost of the call, small enough that one worker does not
 * hoard work that others could do. */
#define COMPLETION_BATCH 64

/* A worker that always has something ready looks at the completion port once in so many operations. More bring no more throughput, but whoever
 * waits there waits longer. */
#define LOOK_EVERY_OPS 32

/* Accepts posted on one listening socket. They bridge the time until a worker posts the next one; each costs a socket. */
#define ACCEPTS_POSTED 16

/* The pause after an accept failed for want of handles or memory, doubled up to the maximum (SEMANTICS S14). */
#define ACCEPT_PAUSE_US (100 * 1000)
#define ACCEPT_PAUSE_MAX_US (1000 * 1000)

/* Connections that may wait in the kernel. Windows grows it by itself when SOMAXCONN_HINT is used. */
#define LISTEN_BACKLOG 4096

/* A pipe without data for this long gives its buffer back and waits without one. Long enough that a busy connection
 * never pays for it, short enough that a burst of connections does not hold its memory. */
#define PIPE_QUIET_US (2 * 1000 * 1000)

/* How long a connect may take before the client is watched for a reset meanwhile. Most connects end sooner and are
 * spared the extra calls. */
#define CONNECT_WATCH_US (100 * 1000)

/* Between two rounds over all addresses of a server that refused. Bridges a restart of the server without a storm. */
#define CONNECT_RETRY_US (250 * 1000)

/* After a reset by one side, what was sent to the other gets time to leave the kernel before that side is reset too: an
 * abortive close discards what is unsent, and no portable call tells how much that is (SEMANTICS S2). So the other side
 * is taken to read at least this fast, after this pause, and is not waited for longer than the maximum. */
#define RESET_FLUSH_US (1000 * 1000)
#define RESET_FLUSH_BYTES_PER_SECOND (1024 * 1024)
#define RESET_FLUSH_MAX_US (5 * 1000 * 1000)

/* How often a session that flushes looks after pipes that have not ended yet. */
#define FLUSH_CHECK_US (250 * 1000)

/* What one side received before the other broke may take this long to be read by it (SEMANTICS S12: a flush has its own
 * deadline). */
#define FLUSH_TIMEOUT_US (10 * 1000 * 1000)

/* After a reload, until the sockets that it closed have left the system, it looks this often. */
#define RELOAD_SETTLE_US (10 * 1000)

/* Lines of what a reload changed or what is wrong with it. Nobody reads more at once, and they are kept for /stats. */
#define REPORT_LINES_MAX 200

/* What is logged about one recurring trouble: one line in this time. */
#define LOG_INTERVAL_US (5 * 1000 * 1000)

/* Lines written to the log in one call: a burst costs few calls, a single line is written at once. */
#define LOG_BATCH_LINES 64

/* How long the end of the process waits for a write to the log that does not come back: a frozen console or a dead network drive
 * must not keep it from stopping. Looked at in slices, so that on a machine that is merely overloaded the wait grows with the
 * load. A writer that has not even begun by then gets more time: nothing of it hangs. */
#define LOG_FLUSH_TIMEOUT_MS (2 * 1000)
#define LOG_FLUSH_SLICE_MS 100
#define LOG_BEGIN_TIMEOUT_MS (10 * 1000)

/* How often it is looked whether somebody renamed or deleted a log file: what is written until then goes to the old one. */
#define LOG_LOOK_MS 1000

/* Between two attempts to rotate a log file that somebody holds: the files only grow meanwhile. */
#define LOG_ROTATE_RETRY_MS (10 * 1000)

/* How long finished sessions wait for company before they are written: a busy server writes four times a second, not thousands. */
#define SESSION_LOG_LINGER_MS 250

/* The system gives a process 5 s when its console is closed or the user logs off. The sessions get most of it; what is
 * left is for cutting them and for the last lines of the log. */
#define CONSOLE_CLOSE_DRAIN_MS (3 * 1000)

/* A service that starts or stops reports this often how far it is; those who wait look every second at most. */
#define SERVICE_REPORT_MS 1000

/* What a start may take besides resolving names: reading the configuration, perhaps from a share, and binding. */
#define SERVICE_START_MS (30 * 1000)

/* What is left to do when a start or a drain has used all its time: cutting sessions, closing the statistics, the last lines of the
 * log; on a machine that is busy stopping everything else too. */
#define SERVICE_CLEANUP_MS (10 * 1000)

/* A service that hears of a shutdown only when it has begun gets 5 s, as a console does. */
#define SERVICE_SHUTDOWN_DRAIN_MS CONSOLE_CLOSE_DRAIN_MS

/* What a crash may take: for its dump, well under a second unless the disk is very busy; and for telling of it, where it may wait for a
 * lock that the failed thread holds and never gets. Then the process has to end. */
#define CRASH_DUMP_MS (60 * 1000)
#define CRASH_TELL_MS (10 * 1000)

/* Dumps kept: enough to compare the last few crashes, and only some megabytes when it crashes in a loop. */
#define CRASH_DUMPS_MAX 5

/* What is kept back of the main thread's stack, so that its overflow can still be told. */
#define CRASH_STACK_BYTES (32 * 1024)

/* ReportEvent refuses a string of more than 31,839 characters. */
#define EVENT_TEXT_CHARS_MAX 31839

/* Why nothing could be started: a sentence, which may hold a path and a system's message. */
#define RUNNER_REFUSAL_BYTES 1024

/* What is said about a reload that this process cannot follow, such as a log file that cannot be opened. */
#define RELOAD_REFUSAL_BYTES 1536

/* How long the end of the process waits for a configuration that is still being read from a share that does not answer. */
#define RELOAD_ABANDON_MS 1000

/* Keepalive of every connection, from the first time it is quiet on: a peer that vanished is noticed within about two minutes (Windows probes 10 times),
 * and a quiet connection stays known to the firewalls on its way. */
#define KEEPALIVE_IDLE_MS (60 * 1000)
#define KEEPALIVE_INTERVAL_MS (6 * 1000)

/* A worker leaves operations to the others when it has an eighth and so many more ready than the average, if one has to be woken for them;
 * a quarter of it is enough where another one runs anyway. Fewer are not worth the lock. */
#define SHARE_LEAST_OPS 8

/* One worker looks this often at what could not be queued for want of memory, when nothing else wakes it. */
#define OVERFLOW_LOOK_MS 500

/* Names being looked up by the system at one time; more wait in a queue. Each may hold a thread of the system. */
#define RESOLVES_MAX 8

/* Addresses kept of one name. A name with more is cut: connect would not try more in its time. */
#define RESOLVE_ADDRESSES_MAX 16

/* How long a name may take to resolve, at start and later. */
#define RESOLVE_TIMEOUT_US (10 * 1000 * 1000)

/* A server whose name does not resolve is looked up again this soon, however long its interval is. */
#define RESOLVE_RETRY_US (2 * 1000 * 1000)

/* A DNS name has at most 253 characters in labels of at most 63 (RFC 1035 section 2.3.4). */
#define HOST_NAME_BYTES 254
#define HOST_LABEL_BYTES 64

/* What server.ini may ask for. Sessions: several times what one Windows machine can hold, and far from overflowing a
 * counter. Buffers: below 1k a session is all overhead; above 1M more brings nothing, as two are needed per session.
 * Durations: the longest whole days in 31 bits of milliseconds. Retries: more is a loop, not patience. */
#define CONFIG_SESSIONS_MAX 1000000
#define CONFIG_BUFFER_BYTES_MIN 1024
#define CONFIG_BUFFER_BYTES_MAX (1024 * 1024)
#define CONFIG_DURATION_MS_MAX (24U * 24 * 60 * 60 * 1000)
#define CONFIG_RETRIES_MAX 100

/* Log files that rotate: below 64k a busy server would mostly rename files; above 1G no editor opens them any more. Keeping more
 * than 100 is an archive, which other programs do better, and each rotation renames them all. */
#define CONFIG_ROTATE_BYTES_MIN (64 * 1024)
#define CONFIG_ROTATE_BYTES_MAX (1024 * 1024 * 1024)
#define CONFIG_ROTATE_KEEP_MAX 100

/* A token is a secret that can be guessed at over the network. 16 random letters and digits hold over 80 bits. */
#define CONFIG_TOKEN_BYTES_MIN 16

/* A larger server.ini is some other file by mistake. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

/* inih reads into 200 bytes, of which it needs one for the line break and one for the end; it keeps 49 bytes of the
 * name of a section, which leaves 40 for the X of [listener X]. */
#define CONFIG_LINE_BYTES_MAX 198
#define CONFIG_SECTION_BYTES_MAX 49
#define CONFIG_NAME_BYTES_MAX 40

/* Sections, and addresses listened on: thousands more than anybody has written by hand. Duplicates are found by comparing
 * each with each, which stays unnoticeable up to here. */
#define CONFIG_SECTIONS_MAX 4096
#define CONFIG_ENDPOINTS_MAX 4096

/* Nobody reads more errors at once; what has more is no configuration. */
#define CONFIG_ERRORS_MAX 1000

/* Objects of a pool from this size on, a page, have pages of their own, so that what is freed leaves the process. */
#define POOL_PAGES_BYTES 4096

/* Spare session objects and buffers kept for the next connection; the rest goes back to the system. */
#define SESSIONS_SPARE_MAX 4096
#define BUFFERS_SPARE_MAX 256
#define BULK_SPARE_MAX 16

/* What was spare for this long goes back to the system too. Longer than the pauses of ordinary traffic. */
#define STOCK_TRIM_US (1000 * 1000)

/* While fewer small buffers than this are taken, a new connection gets one at once: 16 MiB by default. */
#define STOCK_EAGER_MAX 1024

/* Connections that move much get a buffer this many times as large as buffer_size, up to its maximum: 256k by default, where what a
 * call costs no longer shows beside what copying the bytes costs. All of them together hold no more than BULK_BYTES_MAX; more would
 * only leave the processor's caches. */
#define BULK_FACTOR 16
#define BULK_BYTES_MAX (32 * 1024 * 1024)

/* Receives in a row that fill a small buffer before a pipe asks for a large one, and those in a row that would have fitted into a small one
 * before it gives it back. A pipe that had to give it back asks later, BULK_PATIENCE times as late each time: messages that happen to be
 * as long as a small buffer are no stream. */
#define BULK_AFTER_FULL 4
#define BULK_AFTER_FULL_MAX 250
#define BULK_PATIENCE 4
#define BULK_AFTER_LEAN 8

/* A send that takes longer than this has a reader that no buffer makes faster: with the default sizes, one slower than 1 MB/s. */
#define BULK_SLOW_US (250 * 1000)

/* The statistics endpoint has limits of its own, so that neither it nor the traffic can starve the other. Connections: some
 * browsers' tabs and a few collectors at once; with their buffers they hold less than a megabyte. */
#define ADMIN_CONNECTIONS_MAX 64
#define ADMIN_CONNECTIONS_SPARE 4

/* The head of a request: what other servers allow too. Nothing here needs a body, but a small one is read over, so that
 * its sender gets the answer to the request and not a reset. */
#define ADMIN_REQUEST_BYTES 8192
#define ADMIN_HEADERS_MAX 64
#define ADMIN_BODY_BYTES 4096

/* From the first byte of a request to its last; between requests; for the whole of an answer. Long for any client that
 * means it, short enough that those that do not give their place back. */
#define ADMIN_READ_TIMEOUT_US (10 * 1000 * 1000)
#define ADMIN_IDLE_TIMEOUT_US (60 * 1000 * 1000)
#define ADMIN_WRITE_TIMEOUT_US (10 * 1000 * 1000)

/* How long the other side may take to close after our FIN (SEMANTICS S3). */
#define ADMIN_LINGER_TIMEOUT_US (2 * 1000 * 1000)

/* What an answer under way and its close may take once the server stops: a stop must not outlast its deadline because somebody
 * reads slowly (SEMANTICS N6). */
#define ADMIN_CLOSE_US (1000 * 1000)

/* What the statistics keep of the outcome of the last reload, some ten lines: all of it is in the log and in the answer to whoever
 * asked for the reload. */
#define STATS_RELOAD_TEXT_BYTES 2048

/* Names of services may have 256 characters; this is what a person can still type, and it leaves room in the paths and rules that
 * are made of it. */
#define SERVICE_NAME_MAX 80

/* A service that failed comes back this soon: at once for an accident, then slower, so that a lasting cause fills no log. After a
 * day without a failure it counts from the first again. */
#define SERVICE_RESTART_FIRST_MS (5 * 1000)
#define SERVICE_RESTART_SECOND_MS (30 * 1000)
#define SERVICE_RESTART_LATER_MS (60 * 1000)
#define SERVICE_RESTART_RESET_S (24 * 60 * 60)

/* When the system shuts down it waits this much longer than drain_timeout: for cutting sessions and for the last lines of the log. */
#define SERVICE_PRESHUTDOWN_MARGIN_MS (15 * 1000)

/* How often a verb looks at a service that is starting or stopping, how long that may go without progress (what the service itself
 * asks for comes on top), and how often people are told that it goes on. */
#define SERVICE_LOOK_MS 100
#define SERVICE_PATIENCE_MS (20 * 1000)
#define SERVICE_NEWS_MS (5 * 1000)

/* A deleted service goes when the last program closes it; services.msc never does by itself. */
#define SERVICE_GONE_MS (5 * 1000)

/* A reload reads a file, resolves names (RESOLVE_TIMEOUT_US) and binds; another one may be under way before it. */
#define SERVICE_RELOAD_MS (30 * 1000)

/* The statistics are on this machine or near: what does not answer in this time is not there. The answer of thousands of
 * listeners has some MB. */
#define STATISTICS_TIMEOUT_MS (5 * 1000)
#define STATISTICS_BYTES_MAX (32 * 1024 * 1024)

/* `fairlead stats --watch` looks this often: what people can follow. */
#define STATS_WATCH_MS 1000

/* One rule of the firewall is made in well below a second; a netsh that waits for something is given up. */
#define FIREWALL_TIMEOUT_MS (30 * 1000)

/* What is shown of the log of a service that did not start. */
#define LOG_TAIL_BYTES 4096
#define LOG_TAIL_LINES 5

#endif
