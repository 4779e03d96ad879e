/*
 * session_connect: a session's way to its server, and what the parts of a session share with each other.
 *
 * All functions here are called with session->lock held, on a worker. Those that answer a number tell how many references the
 * caller drops with session_release, which also releases the lock.
 */
#ifndef FAIRLEAD_RELAY_SESSION_CONNECT_H
#define FAIRLEAD_RELAY_SESSION_CONNECT_H

#include "relay/session.h"

/* session_connect.c: begins the first attempt; does what is due while CONNECTING. */
uint32_t session_connect_start(struct session *session);
uint32_t session_connect_tick(struct session *session, uint64_t now_us);

/* session.c */
void session_release(struct session *session, uint32_t references);
void session_set_phase(struct session *session, enum session_phase phase);
void session_hold_reference(struct session *session);
uint32_t session_shut(struct session *session, enum stats_counter reason);
void session_arm(struct session *session, uint64_t due_us);
uint64_t session_lifetime_end_us(const struct session *session);
void session_flow(struct session *session);
void session_start_pipe(struct session *session, struct pipe *pipe);

#endif
