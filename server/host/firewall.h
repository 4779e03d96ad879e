/*
 * firewall: lets Windows' firewall pass connections to the listeners, through netsh.
 *
 * All rules of one service have one name, "Fairlead NAME", so that they are found again whatever the configuration says by then; the
 * description of each says which listener it is for. A rule is limited to this executable, TCP and one port. Messages go to standard
 * error, what was done to standard output. Main thread.
 */
#ifndef FAIRLEAD_HOST_FIREWALL_H
#define FAIRLEAD_HOST_FIREWALL_H

#include "config/config.h"

#include <stdbool.h>

/* Replaces the service's rules by one for each address listened on; loopback needs none. False: not all could be made, which was
 * said. */
bool firewall_allow(const char *name, const char *executable, const struct config *config);

/* Removes the service's rules; having none is fine. */
void firewall_forget(const char *name);

#endif
