/*
 * iocp_status: codes of Windows to enum port_status.
 *
 * Two kinds arrive: the NTSTATUS of a completed operation (the low 32 bits of OVERLAPPED.Internal) and the code of
 * WSAGetLastError or GetLastError of a call that failed at once. Pure; any thread.
 */
#ifndef FAIRLEAD_PORT_IOCP_STATUS_H
#define FAIRLEAD_PORT_IOCP_STATUS_H

#include "port/port.h"

/* `*os_code` becomes the Win32 code of the same meaning, which people can look up; the NTSTATUS itself when it is
 * unknown. */
enum port_status iocp_status_from_nt(uint32_t nt_status, uint32_t *os_code);

enum port_status iocp_status_from_code(uint32_t code);

/* What an operation may answer is narrower than what a system may say: these fold the rest into what the contract in
 * port.h lists for the operation. */
enum port_status iocp_status_for_stream(enum port_status status);
enum port_status iocp_status_for_connect(enum port_status status);
enum port_status iocp_status_for_accept(enum port_status status);
enum port_status iocp_status_for_listen(enum port_status status);
enum port_status iocp_status_for_open(enum port_status status);

#endif
