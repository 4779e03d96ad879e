/*
 * verbs_common: what several verbs need: finding the service, and the sentences about what the service manager said.
 *
 * Main thread.
 */
#ifndef FAIRLEAD_HOST_VERBS_COMMON_H
#define FAIRLEAD_HOST_VERBS_COMMON_H

#include "config/config.h"
#include "host/service_manager.h"

#include <stdbool.h>

enum { VERB_OK = 0, VERB_FAILED = 1, VERB_USAGE = 2 };

/* A service of ours, open, with what its image path says. */
struct verbs_service {
    const char *name;
    struct service *service;
    struct service_description description;
    char *words;   /* the image path in pieces: */
    char *program; /* the executable */
    char *config;  /* the configuration's absolute path */
};

enum verbs_found {
    VERBS_FOUND,
    VERBS_MISSING, /* nothing is said */
    VERBS_UNUSABLE /* what is wrong was said, also that a service of this name is not ours */
};

/* Ends with verbs_release in any case. */
enum verbs_found verbs_find(const char *name, enum service_access access, struct verbs_service *found);
void verbs_release(struct verbs_service *found);

/* "there is no service web; ...", on standard error. Answers VERB_FAILED. */
int verbs_say_missing(const char *name);

/* "fairlead: the service web WHAT: why, and what to do", on standard error. Answers VERB_FAILED. */
int verbs_say_failure(const char *name, const char *what, struct manager_result result);

/* The log file of a service with this configuration, to be freed with memory_free; NULL: the system does not tell. */
char *verbs_log_file(const char *name, const struct config *config);

#endif
