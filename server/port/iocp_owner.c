#include "port/iocp.h"
#include "base/memory.h"

#include <iphlpapi.h>
#include <stdio.h>
#include <string.h>

typedef DWORD WINAPI read_table(void *table, DWORD *bytes, BOOL sorted, ULONG family, TCP_TABLE_CLASS kind,
                                ULONG reserved);

static void *read_listeners(read_table *read, ULONG family)
{
    ULONG bytes = 0;
    DWORD error = read(NULL, &bytes, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0);
    /* The table may grow between the two calls. */
    for (int attempt = 0; attempt < 4 && error == ERROR_INSUFFICIENT_BUFFER; attempt++) {
        bytes += 1024;
        void *table = memory_allocate(1, bytes);
        if (table == NULL)
            return NULL;
        error = read(table, &bytes, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0);
        if (error == NO_ERROR)
            return table;
        memory_free(table);
    }
    return NULL;
}

/* Loaded from the system's folder only when it is needed: iphlpapi.dll is no known DLL, so an executable that imports it
 * would take one that lies beside it (SEMANTICS W2). */
static void *listeners_of(ULONG family)
{
    HMODULE library = LoadLibraryExW(L"iphlpapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (library == NULL)
        return NULL;
    read_table *read = (read_table *)(void (*)(void))GetProcAddress(library, "GetExtendedTcpTable");
    void *table = read != NULL ? read_listeners(read, family) : NULL;
    FreeLibrary(library);
    return table;
}

/* Two addresses exclude each other when they are equal or one stands for all. */
static bool collides(const struct address *address, const struct address *taken)
{
    if (address->port != taken->port)
        return false;
    return address_is_any(address) || address_is_any(taken) || address_equal_host(address, taken);
}

static DWORD owner_v4(const struct address *address)
{
    MIB_TCPTABLE_OWNER_PID *table = listeners_of(AF_INET);
    DWORD owner = 0;
    for (DWORD i = 0; table != NULL && owner == 0 && i < table->dwNumEntries; i++) {
        const MIB_TCPROW_OWNER_PID *row = &table->table[i];
        struct address taken = {0};
        taken.family = ADDRESS_V4;
        taken.port = ntohs((uint16_t)row->dwLocalPort);
        memcpy(taken.bytes, &row->dwLocalAddr, 4);
        if (collides(address, &taken))
            owner = row->dwOwningPid;
    }
    memory_free(table);
    return owner;
}

static DWORD owner_v6(const struct address *address)
{
    MIB_TCP6TABLE_OWNER_PID *table = listeners_of(AF_INET6);
    DWORD owner = 0;
    for (DWORD i = 0; table != NULL && owner == 0 && i < table->dwNumEntries; i++) {
        const MIB_TCP6ROW_OWNER_PID *row = &table->table[i];
        struct address taken = {0};
        taken.family = ADDRESS_V6;
        taken.port = ntohs((uint16_t)row->dwLocalPort);
        taken.scope = row->dwLocalScopeId;
        memcpy(taken.bytes, row->ucLocalAddr, 16);
        if (collides(address, &taken))
            owner = row->dwOwningPid;
    }
    memory_free(table);
    return owner;
}

/* The file name without its folder, in UTF-8; false when the system does not tell. */
static bool program_name(DWORD process_id, char *name, int name_bytes)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process_id);
    if (process == NULL)
        return false;
    WCHAR path[MAX_PATH];
    DWORD length = MAX_PATH;
    bool known = QueryFullProcessImageNameW(process, 0, path, &length) != 0;
    CloseHandle(process);
    if (!known)
        return false;
    const WCHAR *file = wcsrchr(path, L'\\');
    return WideCharToMultiByte(CP_UTF8, 0, file != NULL ? file + 1 : path, -1, name, name_bytes, NULL, NULL) >
           0;
}

bool port_describe_owner(const struct address *address, char *text, size_t text_bytes)
{
    /* A listener on [::] may hold an IPv4 port and the other way round, so both tables count. */
    DWORD owner = address->family == ADDRESS_V6 ? owner_v6(address) : owner_v4(address);
    if (owner == 0)
        owner = address->family == ADDRESS_V6 ? owner_v4(address) : owner_v6(address);
    if (owner == 0)
        return false;
    char name[MAX_PATH];
    if (program_name(owner, name, (int)sizeof(name)))
        snprintf(text, text_bytes, "process %lu (%s)", (unsigned long)owner, name);
    else
        snprintf(text, text_bytes, "process %lu", (unsigned long)owner);
    return true;
}
