#include "port/iocp.h"

#include <string.h>

int iocp_address_to_system(const struct address *address, struct sockaddr_storage *system)
{
    memset(system, 0, sizeof(*system));
    if (address->family == ADDRESS_V6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)system;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address->port);
        v6->sin6_scope_id = address->scope;
        memcpy(&v6->sin6_addr, address->bytes, 16);
        return (int)sizeof(*v6);
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)system;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    memcpy(&v4->sin_addr, address->bytes, 4);
    return (int)sizeof(*v4);
}

bool iocp_address_from_system(const struct sockaddr *system, int bytes, struct address *address)
{
    memset(address, 0, sizeof(*address));
    if (system == NULL)
        return false;
    if (system->sa_family == AF_INET && bytes >= (int)sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)system;
        address->family = ADDRESS_V4;
        address->port = ntohs(v4->sin_port);
        memcpy(address->bytes, &v4->sin_addr, 4);
        return true;
    }
    if (system->sa_family == AF_INET6 && bytes >= (int)sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)system;
        address->family = ADDRESS_V6;
        address->port = ntohs(v6->sin6_port);
        address->scope = v6->sin6_scope_id;
        memcpy(address->bytes, &v6->sin6_addr, 16);
        return true;
    }
    return false;
}
