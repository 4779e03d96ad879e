#include "port/port.h"

#include <string.h>

void port_op_init(struct port_op *op, port_done *done)
{
    memset(op, 0, sizeof(*op));
    op->done = done;
}

void port_accept_init(struct port_accept *accept, port_done *done)
{
    memset(accept, 0, sizeof(*accept));
    accept->op.done = done;
}

void port_resolve_init(struct port_resolve *resolve, port_done *done)
{
    memset(resolve, 0, sizeof(*resolve));
    resolve->op.done = done;
}
