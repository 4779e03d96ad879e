/* suite_iocp: what the files of the suite for the IOCP backend share. */
#ifndef FAIRLEAD_TESTS_PORT_SUITE_IOCP_H
#define FAIRLEAD_TESTS_PORT_SUITE_IOCP_H

#include "port/iocp.h"
#include "tests/port/port_suite.h"

int suite_run_iocp_status(void);
int suite_run_iocp_socket(void);
int suite_run_iocp_worker(void);
int suite_run_iocp_handles(void); /* wants a low limit of handles */

/* A plain blocking socket of the system, for what port.h cannot do to a peer. */
SOCKET suite_raw_connect(const struct address *address);

#endif
