/*
 * Names, by GetAddrInfoExW with a callback, which takes no worker's time.
 *
 * A look-up cannot be cancelled dependably, so a request has a deadline of its own: a worker ends it then, and the
 * answer that comes later finds no request and is freed. Such a look-up may outlive the port: it holds a reference to
 * the resolver, a block of its own, and never touches the port again. At most RESOLVES_MAX run at one time, the late
 * ones included; the others wait in order.
 *
 * The list holds every look-up that has a request, oldest first. As all deadlines are equally long, the first is also
 * the first due.
 */
#include "port/iocp.h"
#include "port/iocp_status.h"
#include "base/memory.h"

#include <string.h>

typedef void CALLBACK lookup_answered(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped);

/* Some headers declare the callback as a reserved pointer to nothing; the function is therefore fetched by name. */
typedef INT WSAAPI get_addresses(PCWSTR name, PCWSTR service, DWORD name_space, LPGUID provider,
                                 const ADDRINFOEXW *hints, PADDRINFOEXW *answer, struct timeval *timeout,
                                 LPOVERLAPPED overlapped, lookup_answered *callback, LPHANDLE cancel);

struct iocp_resolver {
    struct lock lock;
    struct port *port; /* alive while there is a request */
    get_addresses *get_addresses;
    struct lookup *first;
    struct lookup *last;
    uint64_t due_us;     /* atomic: the first deadline */
    uint32_t running;    /* look-ups inside the system */
    uint32_t references; /* atomic: the port's, and one per look-up */
};

struct lookup {
    OVERLAPPED overlapped;
    ADDRINFOEXW *answer;
    struct iocp_resolver *resolver;
    struct port_resolve
        *request; /* NULL once it was answered; guarded by the lock, as `started` and `next` */
    struct lookup *next;
    uint64_t deadline_us;
    uint32_t references; /* atomic: the list's, the system's, that of whoever starts it */
    uint16_t port_number;
    bool started;
    WCHAR name[HOST_NAME_BYTES];
};

/* --- life ---------------------------------------------------------------------------------------------------- */

struct iocp_resolver *iocp_resolver_create(struct port *port)
{
    struct iocp_resolver *resolver = memory_allocate(1, sizeof(*resolver));
    if (resolver == NULL)
        return NULL;
    lock_init(&resolver->lock);
    resolver->port = port;
    resolver->due_us = PORT_NEVER;
    resolver->references = 1;
    HMODULE winsock = GetModuleHandleW(L"ws2_32.dll");
    if (winsock != NULL)
        resolver->get_addresses = (get_addresses *)(void (*)(void))GetProcAddress(winsock, "GetAddrInfoExW");
    return resolver;
}

/* True when that was the last reference. */
static bool drop_resolver(struct iocp_resolver *resolver)
{
    if (atomic_fetch_add_u32(&resolver->references, UINT32_MAX) != 1)
        return false;
    memory_free(resolver);
    return true;
}

bool iocp_resolver_release(struct iocp_resolver *resolver)
{
    CHECK(resolver->first == NULL);
    return !drop_resolver(resolver);
}

static struct lookup *create_lookup(struct iocp_resolver *resolver, struct port_resolve *request)
{
    struct lookup *lookup = memory_allocate(1, sizeof(*lookup));
    if (lookup == NULL)
        return NULL;
    atomic_fetch_add_u32(&resolver->references, 1);
    lookup->resolver = resolver;
    lookup->request = request;
    lookup->references = 1;
    return lookup;
}

static void drop_lookup(struct lookup *lookup)
{
    if (atomic_fetch_add_u32(&lookup->references, UINT32_MAX) != 1)
        return;
    drop_resolver(lookup->resolver);
    memory_free(lookup);
}

/* --- the list; all under the lock ---------------------------------------------------------------------------- */

static void update_due(struct iocp_resolver *resolver)
{
    atomic_store_u64(&resolver->due_us, resolver->first != NULL ? resolver->first->deadline_us : PORT_NEVER);
}

static void append(struct iocp_resolver *resolver, struct lookup *lookup)
{
    if (resolver->last == NULL)
        resolver->first = lookup;
    else
        resolver->last->next = lookup;
    resolver->last = lookup;
    update_due(resolver);
}

/* Takes the look-up out of the list; its request, or NULL when somebody else has answered that. */
static struct port_resolve *detach(struct iocp_resolver *resolver, struct lookup *lookup)
{
    struct port_resolve *request = lookup->request;
    if (request == NULL)
        return NULL;
    lookup->request = NULL;
    struct lookup *before = NULL;
    for (struct lookup *each = resolver->first; each != lookup; each = each->next)
        before = each;
    if (before == NULL)
        resolver->first = lookup->next;
    else
        before->next = lookup->next;
    if (resolver->last == lookup)
        resolver->last = before;
    lookup->next = NULL;
    update_due(resolver);
    return request;
}

static struct lookup *take_startable(struct iocp_resolver *resolver)
{
    if (resolver->running >= RESOLVES_MAX)
        return NULL;
    for (struct lookup *each = resolver->first; each != NULL; each = each->next) {
        if (!each->started) {
            each->started = true;
            resolver->running++;
            atomic_fetch_add_u32(&each->references, 2);
            return each;
        }
    }
    return NULL;
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static bool is_known(const struct port_resolve *request, const struct address *address)
{
    for (uint32_t i = 0; i < request->count; i++) {
        if (address_equal(&request->addresses[i], address))
            return true;
    }
    return false;
}

static void copy_answer(struct port_resolve *request, const ADDRINFOEXW *answer, uint16_t port_number)
{
    request->count = 0;
    const ADDRINFOEXW *each = answer;
    while (each != NULL && request->count < RESOLVE_ADDRESSES_MAX) {
        struct address address;
        bool usable = iocp_address_from_system(each->ai_addr, (int)each->ai_addrlen, &address);
        address.port = port_number;
        if (usable && !is_known(request, &address))
            request->addresses[request->count++] = address;
        each = (const void *)each->ai_next; /* mingw-w64 misspells the type of this member */
    }
}

static void answer_request(struct port *port, struct port_resolve *request, const struct lookup *lookup,
                           uint32_t code)
{
    enum port_status status = iocp_status_from_code(code);
    if (status == PORT_OK) {
        copy_answer(request, lookup->answer, lookup->port_number);
        if (request->count == 0)
            status = PORT_NOT_FOUND;
    }
    bool listed =
        status == PORT_OK || status == PORT_NOT_FOUND || status == PORT_TIMEOUT || status == PORT_EXHAUSTED;
    iocp_decide(&request->op, listed ? status : PORT_FAILED, code);
    iocp_dispatch(port, &request->op);
}

/* The look-up is out of the system: on a thread of the system, or at once on the caller's. */
static void finish(struct lookup *lookup, uint32_t code)
{
    struct iocp_resolver *resolver = lookup->resolver;
    lock_acquire(&resolver->lock);
    resolver->running--;
    struct port_resolve *request = detach(resolver, lookup);
    lock_release(&resolver->lock);
    if (request != NULL) {
        answer_request(resolver->port, request, lookup, code);
        drop_lookup(lookup);
    }
    if (lookup->answer != NULL)
        FreeAddrInfoExW(lookup->answer);
    lookup->answer = NULL;
}

static void start_all(struct iocp_resolver *resolver);

static void CALLBACK answered(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped)
{
    (void)bytes;
    struct lookup *lookup = CONTAINER_OF(overlapped, struct lookup, overlapped);
    finish(lookup, error);
    start_all(lookup->resolver);
    drop_lookup(lookup);
}

static void start(struct lookup *lookup)
{
    ADDRINFOEXW hints;
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    INT result = WSAEOPNOTSUPP;
    if (lookup->resolver->get_addresses != NULL)
        result = lookup->resolver->get_addresses(lookup->name, NULL, NS_ALL, NULL, &hints, &lookup->answer,
                                                 NULL, &lookup->overlapped, answered, NULL);
    if (result != WSA_IO_PENDING) { /* answered at once: no callback comes */
        finish(lookup, (uint32_t)result);
        drop_lookup(lookup);
    }
    drop_lookup(lookup);
}

static void start_all(struct iocp_resolver *resolver)
{
    for (;;) {
        lock_acquire(&resolver->lock);
        struct lookup *lookup = take_startable(resolver);
        lock_release(&resolver->lock);
        if (lookup == NULL)
            return;
        start(lookup);
    }
}

/* --- the seam ------------------------------------------------------------------------------------------------ */

uint64_t iocp_resolver_due_us(struct iocp_resolver *resolver)
{
    return atomic_load_u64(&resolver->due_us);
}

void iocp_resolver_expire(struct iocp_resolver *resolver, uint64_t now_us)
{
    lock_acquire(&resolver->lock);
    while (resolver->first != NULL && resolver->first->deadline_us <= now_us) {
        struct lookup *lookup = resolver->first;
        struct port_resolve *request = detach(resolver, lookup);
        iocp_decide(&request->op, PORT_TIMEOUT, WSAETIMEDOUT);
        iocp_dispatch(resolver->port, &request->op);
        drop_lookup(lookup);
    }
    lock_release(&resolver->lock);
}

/* False: it cannot be the name of a host. The system would take an empty one for this machine. */
static bool name_to_system(const char *host, WCHAR name[HOST_NAME_BYTES])
{
    size_t length = 0;
    while (length < HOST_NAME_BYTES && host[length] != '\0')
        length++;
    if (length == 0 || length >= HOST_NAME_BYTES)
        return false;
    int count =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, host, (int)length, name, HOST_NAME_BYTES - 1);
    if (count <= 0)
        return false;
    name[count] = L'\0';
    return true;
}

/* False: the op was decided, it needs no look-up. */
static bool needs_lookup(struct port_resolve *resolve, const char *host, uint16_t port_number, WCHAR *name)
{
    struct address literal;
    if (address_parse_host(host, &literal)) {
        literal.port = port_number;
        resolve->addresses[0] = literal;
        resolve->count = 1;
        iocp_decide(&resolve->op, PORT_OK, 0);
        return false;
    }
    if (!name_to_system(host, name)) {
        iocp_decide(&resolve->op, PORT_NOT_FOUND, WSAHOST_NOT_FOUND);
        return false;
    }
    return true;
}

void port_resolve(struct port *port, struct port_resolve *resolve, const char *host, uint16_t port_number)
{
    struct port_op *op = &resolve->op;
    CHECK(op->phase == IOCP_IDLE);
    iocp_words_of(op)->kind = IOCP_RESOLVE;
    op->socket = NULL;
    op->phase = IOCP_SUBMITTED;
    resolve->count = 0;
    struct iocp_resolver *resolver = port->resolver;
    WCHAR name[HOST_NAME_BYTES];
    if (!needs_lookup(resolve, host, port_number, name)) {
        iocp_dispatch(port, op);
        return;
    }
    struct lookup *lookup = create_lookup(resolver, resolve);
    if (lookup == NULL) {
        iocp_decide(op, PORT_EXHAUSTED, ERROR_NOT_ENOUGH_MEMORY);
        iocp_dispatch(port, op);
        return;
    }
    memcpy(lookup->name, name, sizeof(lookup->name));
    lookup->port_number = port_number;
    /* This call goes on after the request may have been answered, and the port be gone. */
    atomic_fetch_add_u32(&resolver->references, 1);
    lock_acquire(&resolver->lock);
    lookup->deadline_us = port_now_us(port) + RESOLVE_TIMEOUT_US;
    append(resolver, lookup);
    /* Sleeping workers do not know this deadline yet. Under the lock the request cannot end, so the port is there. */
    if (port_worker_index() == PORT_NOT_A_WORKER)
        iocp_wake(port);
    lock_release(&resolver->lock);
    start_all(resolver);
    drop_resolver(resolver);
}
