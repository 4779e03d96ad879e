/*
 * service_manager: Windows' service control manager, in the few words that the verbs need.
 *
 * Every function answers what happened as an enum, and the system's code beside it for the message; nothing is printed here. Texts are
 * UTF-8. One thread.
 *
 *   service_open or service_create -> the others -> service_close
 */
#ifndef FAIRLEAD_HOST_SERVICE_MANAGER_H
#define FAIRLEAD_HOST_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

enum manager_status {
    MANAGER_OK,
    MANAGER_DENIED,  /* the console was not started as administrator */
    MANAGER_MISSING, /* no service of this name */
    MANAGER_EXISTS,  /* the name, or the name shown to people, is taken */
    MANAGER_MARKED,  /* for deletion: it goes when the last program closes it */
    MANAGER_RUNNING, /* already */
    MANAGER_STOPPED, /* already */
    MANAGER_BUSY,    /* takes no control in its present state */
    MANAGER_DISABLED,
    MANAGER_LOGON,       /* the account may not log on as a service, or its password is wrong */
    MANAGER_ACCOUNT,     /* there is no such account */
    MANAGER_NO_FILE,     /* the executable is gone */
    MANAGER_UNSUPPORTED, /* this system does not know the setting */
    MANAGER_MEMORY,
    MANAGER_FAILED
};

struct manager_result {
    enum manager_status status;
    uint32_t os_code;
};

/* What is asked of the manager; each more needs more rights. */
enum service_access { SERVICE_LOOK, SERVICE_USE, SERVICE_CHANGE };

struct service; /* an open service */

enum service_state {
    SERVICE_IS_STOPPED,
    SERVICE_IS_STARTING,
    SERVICE_IS_RUNNING,
    SERVICE_IS_STOPPING,
    SERVICE_IS_OTHER /* paused: not by us */
};

struct service_state_now {
    enum service_state state;
    uint32_t pid;
    uint32_t exit_code;          /* of the service, when it is stopped: 0, or the system's code */
    uint32_t specific_exit_code; /* ours, when exit_code is ERROR_SERVICE_SPECIFIC_ERROR; or else 0 */
    uint32_t checkpoint;
    uint32_t wait_hint_ms;
};

struct service_settings {
    const char *display_name;
    const char *image_path; /* quoted, with arguments */
    const char *account;    /* NULL: create takes LocalSystem, change leaves it */
    const char *password;   /* with `account`; NULL for LocalSystem */
    bool delayed;
};

struct service_description {
    char *image_path;
    char *account;
    bool automatic;
    bool disabled;
    bool delayed;
};

struct manager_result service_open(const char *name, enum service_access access, struct service **service);
struct manager_result service_create(const char *name, const struct service_settings *settings,
                                     struct service **service);
/* NULL is allowed. */
void service_close(struct service *service);

/* The answer is freed with service_description_free, also after a failure. */
struct manager_result service_describe(struct service *service, struct service_description *description);
void service_description_free(struct service_description *description);

struct manager_result service_change(struct service *service, const struct service_settings *settings);
struct manager_result service_query(struct service *service, struct service_state_now *now);
struct manager_result service_start(struct service *service);
struct manager_result service_stop(struct service *service);
struct manager_result service_reload(struct service *service); /* PARAMCHANGE */
struct manager_result service_delete(struct service *service);

/* One setting each, so that what an older system (or Wine) lacks does not keep the others from being made. */
struct manager_result service_set_text(struct service *service, const char *description);
struct manager_result service_set_delayed(struct service *service, bool delayed);
struct manager_result service_set_recovery(struct service *service);
struct manager_result service_set_recovery_on_exit(struct service *service);
struct manager_result service_set_sid(struct service *service);
struct manager_result service_set_privileges(struct service *service);
struct manager_result service_set_preshutdown(struct service *service, uint32_t time_ms);

/* The times in ms after which recovery restarts, for `status`; 0 of them: no recovery. */
struct manager_result service_read_recovery(struct service *service, uint32_t delays_ms[3], uint32_t *count);

/* Waits a moment before the next look at something that the manager tells nobody about. */
void service_pause(void);

/* "Access is denied (os error 5)". */
const char *service_result_text(const struct manager_result *result, char *text, uint32_t text_bytes);

#endif
