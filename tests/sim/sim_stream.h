/*
 * sim_stream: endless pseudo-random byte streams, one per key, that need no memory: any part of one can be made or checked at
 * any time. A byte that is lost, doubled, moved or another's does not match.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_STREAM_H
#define FAIRLEAD_TESTS_SIM_SIM_STREAM_H

#include <stddef.h>
#include <stdint.h>

void stream_fill(uint64_t key, uint64_t offset, uint8_t *data, size_t bytes);

/* How many bytes from the start are as they should be. */
size_t stream_match(uint64_t key, uint64_t offset, const uint8_t *data, size_t bytes);

#endif
