/*
 * sim_stock: S5, what the relay holds for sessions and their buffers (server/relay/stock.h), counted among the blocks of memory.
 *
 * Only in the calm, and only with buffers that are larger than most other things.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_STOCK_H
#define FAIRLEAD_TESTS_SIM_SIM_STOCK_H

/* The daemon serves, and nobody has come yet. */
void stock_begin(void);

/* Nobody has been there for long: what was spare went back to the system. */
void stock_check_idle(void);

/* Somebody comes who sends much and then a byte now and then. NULL: not in this world. */
struct sim_peer *stock_send_waning(void);

/* The client sends its last bytes: nobody holds a large buffer any more, not even spare. */
void stock_check_waned(const struct sim_peer *peer);

#endif
