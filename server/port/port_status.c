#include "port/port.h"

#include <stdio.h>

const char *port_status_text(enum port_status status)
{
    switch (status) {
    case PORT_OK:
        return "success";
    case PORT_END:
        return "end of data";
    case PORT_CANCELLED:
        return "cancelled";
    case PORT_RESET:
        return "connection reset";
    case PORT_REFUSED:
        return "connection refused";
    case PORT_TIMEOUT:
        return "timed out";
    case PORT_UNREACHABLE:
        return "network or host unreachable";
    case PORT_EXHAUSTED:
        return "out of handles, memory or ports";
    case PORT_IN_USE:
        return "address already in use";
    case PORT_DENIED:
        return "permission denied";
    case PORT_NO_ADDRESS:
        return "address not available";
    case PORT_NOT_FOUND:
        return "name not found";
    case PORT_TOO_BIG:
        return "message too long";
    case PORT_FAILED:
        return "failed";
    }
    return "unknown status";
}

const char *port_status_describe(enum port_status status, uint32_t os_code, char *text, size_t text_bytes)
{
    if (os_code == 0)
        snprintf(text, text_bytes, "%s", port_status_text(status));
    else if (os_code >= 0x80000000U) /* an NTSTATUS or HRESULT: people look these up in hexadecimal */
        snprintf(text, text_bytes, "%s (os error 0x%08lX)", port_status_text(status), (unsigned long)os_code);
    else
        snprintf(text, text_bytes, "%s (os error %lu)", port_status_text(status), (unsigned long)os_code);
    return text;
}
