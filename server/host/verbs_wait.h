/*
 * verbs_wait: starting and stopping a service and waiting until it has, with news for who watches.
 *
 * What does not get on, by its checkpoints, for SERVICE_PATIENCE_MS more than it asks for is given up: the service goes on by itself, and
 * that is said. Main thread. All answer an exit code.
 */
#ifndef FAIRLEAD_HOST_VERBS_WAIT_H
#define FAIRLEAD_HOST_VERBS_WAIT_H

#include "host/verbs_common.h"

/* A service that is stopped already is fine, and said. */
int verbs_stop_and_wait(struct verbs_service *found);

/* One that is running already is fine, and said. One that does not come up is explained with the end of its log; `config` is its
 * configuration. */
int verbs_start_and_wait(struct verbs_service *found, const struct config *config);

#endif
