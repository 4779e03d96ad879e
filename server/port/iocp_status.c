#include "port/iocp_status.h"

/* The values are written out because ntstatus.h and windows.h do not go together without tricks, and so that this file
 * is plain C. */
struct nt_entry {
    uint32_t nt_status;
    uint32_t code; /* as RtlNtStatusToDosError answers; 0 where it knows none */
    enum port_status status;
};

static const struct nt_entry nt_table[] = {
    {0x00000102, 1460, PORT_TIMEOUT},     /* STATUS_TIMEOUT */
    {0x80000005, 234, PORT_TOO_BIG},      /* STATUS_BUFFER_OVERFLOW */
    {0x8000000A, 676, PORT_CANCELLED},    /* STATUS_HANDLES_CLOSED */
    {0xC0000008, 6, PORT_FAILED},         /* STATUS_INVALID_HANDLE */
    {0xC0000017, 8, PORT_EXHAUSTED},      /* STATUS_NO_MEMORY */
    {0xC0000022, 5, PORT_DENIED},         /* STATUS_ACCESS_DENIED */
    {0xC0000043, 32, PORT_IN_USE},        /* STATUS_SHARING_VIOLATION */
    {0xC0000044, 1816, PORT_EXHAUSTED},   /* STATUS_QUOTA_EXCEEDED */
    {0xC000007F, 112, PORT_EXHAUSTED},    /* STATUS_DISK_FULL */
    {0xC0000097, 565, PORT_EXHAUSTED},    /* STATUS_TOO_MANY_PAGING_FILES */
    {0xC000009A, 1450, PORT_EXHAUSTED},   /* STATUS_INSUFFICIENT_RESOURCES */
    {0xC00000A1, 1453, PORT_EXHAUSTED},   /* STATUS_WORKING_SET_QUOTA */
    {0xC00000B5, 121, PORT_TIMEOUT},      /* STATUS_IO_TIMEOUT */
    {0xC00000BC, 51, PORT_REFUSED},       /* STATUS_REMOTE_NOT_LISTENING */
    {0xC00000BE, 53, PORT_UNREACHABLE},   /* STATUS_BAD_NETWORK_PATH */
    {0xC00000C4, 59, PORT_RESET},         /* STATUS_UNEXPECTED_NETWORK_ERROR */
    {0xC000011F, 4, PORT_EXHAUSTED},      /* STATUS_TOO_MANY_OPENED_FILES */
    {0xC0000120, 995, PORT_CANCELLED},    /* STATUS_CANCELLED */
    {0xC000012C, 1454, PORT_EXHAUSTED},   /* STATUS_PAGEFILE_QUOTA_EXCEEDED */
    {0xC000012D, 1455, PORT_EXHAUSTED},   /* STATUS_COMMITMENT_LIMIT */
    {0xC000013B, 64, PORT_RESET},         /* STATUS_LOCAL_DISCONNECT */
    {0xC000013C, 64, PORT_RESET},         /* STATUS_REMOTE_DISCONNECT */
    {0xC000013D, 51, PORT_EXHAUSTED},     /* STATUS_REMOTE_RESOURCES */
    {0xC000013E, 59, PORT_RESET},         /* STATUS_LINK_FAILED */
    {0xC000013F, 121, PORT_TIMEOUT},      /* STATUS_LINK_TIMEOUT */
    {0xC0000140, 1229, PORT_RESET},       /* STATUS_INVALID_CONNECTION */
    {0xC0000141, 1214, PORT_NO_ADDRESS},  /* STATUS_INVALID_ADDRESS */
    {0xC0000184, 22, PORT_FAILED},        /* STATUS_INVALID_DEVICE_STATE */
    {0xC0000207, 1214, PORT_NO_ADDRESS},  /* STATUS_INVALID_ADDRESS_COMPONENT */
    {0xC0000209, 68, PORT_EXHAUSTED},     /* STATUS_TOO_MANY_ADDRESSES */
    {0xC000020A, 52, PORT_IN_USE},        /* STATUS_ADDRESS_ALREADY_EXISTS */
    {0xC000020B, 1227, PORT_NO_ADDRESS},  /* STATUS_ADDRESS_CLOSED */
    {0xC000020C, 64, PORT_RESET},         /* STATUS_CONNECTION_DISCONNECTED */
    {0xC000020D, 64, PORT_RESET},         /* STATUS_CONNECTION_RESET */
    {0xC000020F, 59, PORT_RESET},         /* STATUS_TRANSACTION_ABORTED */
    {0xC0000236, 1225, PORT_REFUSED},     /* STATUS_CONNECTION_REFUSED */
    {0xC0000237, 1226, PORT_RESET},       /* STATUS_GRACEFUL_DISCONNECT */
    {0xC000023C, 1231, PORT_UNREACHABLE}, /* STATUS_NETWORK_UNREACHABLE */
    {0xC000023D, 1232, PORT_UNREACHABLE}, /* STATUS_HOST_UNREACHABLE */
    {0xC000023E, 1233, PORT_UNREACHABLE}, /* STATUS_PROTOCOL_UNREACHABLE */
    {0xC000023F, 1234, PORT_REFUSED},     /* STATUS_PORT_UNREACHABLE */
    {0xC0000240, 1235, PORT_CANCELLED},   /* STATUS_REQUEST_ABORTED */
    {0xC0000241, 1236, PORT_RESET}        /* STATUS_CONNECTION_ABORTED */
};

struct code_entry {
    uint32_t code;
    enum port_status status;
};

static const struct code_entry code_table[] = {
    {4, PORT_EXHAUSTED},       /* ERROR_TOO_MANY_OPEN_FILES */
    {8, PORT_EXHAUSTED},       /* ERROR_NOT_ENOUGH_MEMORY */
    {14, PORT_EXHAUSTED},      /* ERROR_OUTOFMEMORY */
    {64, PORT_RESET},          /* ERROR_NETNAME_DELETED */
    {121, PORT_TIMEOUT},       /* ERROR_SEM_TIMEOUT */
    {995, PORT_CANCELLED},     /* ERROR_OPERATION_ABORTED */
    {1225, PORT_REFUSED},      /* ERROR_CONNECTION_REFUSED */
    {1231, PORT_UNREACHABLE},  /* ERROR_NETWORK_UNREACHABLE */
    {1232, PORT_UNREACHABLE},  /* ERROR_HOST_UNREACHABLE */
    {1236, PORT_RESET},        /* ERROR_CONNECTION_ABORTED */
    {1450, PORT_EXHAUSTED},    /* ERROR_NO_SYSTEM_RESOURCES */
    {1453, PORT_EXHAUSTED},    /* ERROR_WORKING_SET_QUOTA */
    {1454, PORT_EXHAUSTED},    /* ERROR_PAGEFILE_QUOTA */
    {1455, PORT_EXHAUSTED},    /* ERROR_COMMITMENT_LIMIT */
    {1816, PORT_EXHAUSTED},    /* ERROR_NOT_ENOUGH_QUOTA */
    {10013, PORT_DENIED},      /* WSAEACCES */
    {10024, PORT_EXHAUSTED},   /* WSAEMFILE */
    {10040, PORT_TOO_BIG},     /* WSAEMSGSIZE */
    {10047, PORT_NO_ADDRESS},  /* WSAEAFNOSUPPORT */
    {10048, PORT_IN_USE},      /* WSAEADDRINUSE */
    {10049, PORT_NO_ADDRESS},  /* WSAEADDRNOTAVAIL */
    {10050, PORT_UNREACHABLE}, /* WSAENETDOWN */
    {10051, PORT_UNREACHABLE}, /* WSAENETUNREACH */
    {10052, PORT_RESET},       /* WSAENETRESET */
    {10053, PORT_RESET},       /* WSAECONNABORTED */
    {10054, PORT_RESET},       /* WSAECONNRESET */
    {10055, PORT_EXHAUSTED},   /* WSAENOBUFS */
    {10057, PORT_RESET},       /* WSAENOTCONN: it was, and the connection is gone */
    {10060, PORT_TIMEOUT},     /* WSAETIMEDOUT */
    {10061, PORT_REFUSED},     /* WSAECONNREFUSED */
    {10064, PORT_UNREACHABLE}, /* WSAEHOSTDOWN */
    {10065, PORT_UNREACHABLE}, /* WSAEHOSTUNREACH */
    {10067, PORT_EXHAUSTED},   /* WSAEPROCLIM */
    {10101, PORT_RESET},       /* WSAEDISCON */
    {11001, PORT_NOT_FOUND},   /* WSAHOST_NOT_FOUND */
    {11002, PORT_TIMEOUT},     /* WSATRY_AGAIN: no server answered */
    {11003, PORT_FAILED},      /* WSANO_RECOVERY */
    {11004, PORT_NOT_FOUND},   /* WSANO_DATA */
    {10109, PORT_NOT_FOUND}    /* WSATYPE_NOT_FOUND */
};

enum port_status iocp_status_from_nt(uint32_t nt_status, uint32_t *os_code)
{
    *os_code = nt_status;
    if (nt_status == 0)
        return PORT_OK;
    for (size_t i = 0; i < sizeof(nt_table) / sizeof(nt_table[0]); i++) {
        if (nt_table[i].nt_status == nt_status) {
            *os_code = nt_table[i].code;
            return nt_table[i].status;
        }
    }
    return PORT_FAILED;
}

enum port_status iocp_status_from_code(uint32_t code)
{
    if (code == 0)
        return PORT_OK;
    for (size_t i = 0; i < sizeof(code_table) / sizeof(code_table[0]); i++) {
        if (code_table[i].code == code)
            return code_table[i].status;
    }
    return PORT_FAILED;
}

enum port_status iocp_status_for_stream(enum port_status status)
{
    switch (status) {
    case PORT_OK:
    case PORT_END:
    case PORT_CANCELLED:
    case PORT_RESET:
    case PORT_TIMEOUT:
    case PORT_EXHAUSTED:
        return status;
    case PORT_REFUSED:
    case PORT_UNREACHABLE: /* the network broke an established connection */
        return PORT_RESET;
    default:
        return PORT_FAILED;
    }
}

enum port_status iocp_status_for_connect(enum port_status status)
{
    switch (status) {
    case PORT_RESET: /* instead of an answer, or right after it: nobody serves there */
        return PORT_REFUSED;
    case PORT_IN_USE: /* every local port towards that address is taken */
        return PORT_EXHAUSTED;
    case PORT_END:
    case PORT_NOT_FOUND:
    case PORT_TOO_BIG:
        return PORT_FAILED;
    default:
        return status;
    }
}

enum port_status iocp_status_for_accept(enum port_status status)
{
    switch (status) {
    case PORT_OK:
    case PORT_CANCELLED:
    case PORT_EXHAUSTED:
    case PORT_RESET:
        return status;
    case PORT_TIMEOUT:
    case PORT_REFUSED:
    case PORT_UNREACHABLE: /* all concern that one client */
        return PORT_RESET;
    default:
        return PORT_FAILED;
    }
}

enum port_status iocp_status_for_listen(enum port_status status)
{
    switch (status) {
    case PORT_OK:
    case PORT_IN_USE:
    case PORT_DENIED:
    case PORT_NO_ADDRESS:
    case PORT_EXHAUSTED:
        return status;
    default:
        return PORT_FAILED;
    }
}

enum port_status iocp_status_for_open(enum port_status status)
{
    return status == PORT_OK || status == PORT_EXHAUSTED ? status : PORT_FAILED;
}
