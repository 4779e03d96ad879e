/*
 * pattern: the bytes of a stream, computed from its key and the place in it.
 *
 * A stream is a sequence of 64-bit little-endian words; word i is a one-to-one function of key + i * odd constant. So a byte
 * that is wrong, lost, doubled, moved or another stream's shows, there is no period that could hide a lost block, and the first word
 * tells the key. Both functions take any position and length, and handle some gigabytes per second. Pure.
 */
#ifndef FAIRLEAD_BENCH_PATTERN_H
#define FAIRLEAD_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

enum { PATTERN_KEY_BYTES = 8 };

/* A key for stream number `serial` of those that share a `seed`; different ones for different serials. */
uint64_t pattern_key(uint64_t seed, uint64_t serial);

/* The key of the stream that begins with these PATTERN_KEY_BYTES bytes. */
uint64_t pattern_key_of(const uint8_t *first_bytes);

/* A seed that no other run has, from the clock and the process. */
uint64_t pattern_seed(void);

void pattern_fill(uint8_t *bytes, size_t count, uint64_t key, uint64_t position);

/* How many of the bytes, from the first on, are those of the stream at `position`: `count` when all are. */
size_t pattern_match(const uint8_t *bytes, size_t count, uint64_t key, uint64_t position);

/* The byte that belongs there. */
uint8_t pattern_byte(uint64_t key, uint64_t position);

#endif
