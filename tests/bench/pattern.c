#include "pattern.h"

#include "base/random.h"
#include "clock.h"

#include <string.h>
#include <unistd.h>

/* Words are handled in blocks, whose loops the compiler turns into vector instructions. */
enum { WORD_BYTES = 8, BLOCK_WORDS = 16, BLOCK_BYTES = BLOCK_WORDS * WORD_BYTES };

/* 2^64 divided by the golden ratio: neighbours differ in about half of their bits. */
#define STEP 0x9e3779b97f4a7c15U

/* Words are copied as the processor has them. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the stream is little-endian"
#endif

static uint64_t word_of(uint64_t value)
{
    return value ^ (value >> 32);
}

uint64_t pattern_key(uint64_t seed, uint64_t serial)
{
    return random_mix(seed + serial * STEP);
}

uint64_t pattern_key_of(const uint8_t *first_bytes)
{
    uint64_t word;

    /* word_of is its own inverse: the upper half is left alone. */
    memcpy(&word, first_bytes, sizeof word);
    return word_of(word);
}

uint64_t pattern_seed(void)
{
    return random_mix(clock_now_ns()) ^ random_mix((uint64_t)getpid());
}

uint8_t pattern_byte(uint64_t key, uint64_t position)
{
    uint64_t word = word_of(key + position / WORD_BYTES * STEP);

    return (uint8_t)(word >> position % WORD_BYTES * 8);
}

/* Both directions of work go through the same three parts: bytes up to a word's beginning, whole blocks, bytes again. */
static size_t bytes_before_word(uint64_t position, size_t count)
{
    size_t before = (size_t)(-position % WORD_BYTES);

    return before < count ? before : count;
}

static void fill_bytes(uint8_t *bytes, size_t count, uint64_t key, uint64_t position)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = pattern_byte(key, position + i);
}

static void fill_block(uint8_t *bytes, uint64_t value)
{
    uint64_t words[BLOCK_WORDS];

    for (uint64_t i = 0; i < BLOCK_WORDS; i++)
        words[i] = word_of(value + i * STEP);
    memcpy(bytes, words, sizeof words);
}

static void fill_word(uint8_t *bytes, uint64_t value)
{
    uint64_t word = word_of(value);

    memcpy(bytes, &word, sizeof word);
}

void pattern_fill(uint8_t *bytes, size_t count, uint64_t key, uint64_t position)
{
    size_t done = bytes_before_word(position, count);

    fill_bytes(bytes, done, key, position);
    uint64_t value = key + (position + done) / WORD_BYTES * STEP;
    for (; count - done >= BLOCK_BYTES; done += BLOCK_BYTES, value += BLOCK_WORDS * STEP)
        fill_block(bytes + done, value);
    for (; count - done >= WORD_BYTES; done += WORD_BYTES, value += STEP)
        fill_word(bytes + done, value);
    fill_bytes(bytes + done, count - done, key, position + done);
}

static size_t match_bytes(const uint8_t *bytes, size_t count, uint64_t key, uint64_t position)
{
    size_t i = 0;

    while (i < count && bytes[i] == pattern_byte(key, position + i))
        i++;
    return i;
}

/* Zero when the block is right. */
static uint64_t block_difference(const uint8_t *bytes, uint64_t value)
{
    uint64_t words[BLOCK_WORDS];
    uint64_t difference = 0;

    memcpy(words, bytes, sizeof words);
    for (uint64_t i = 0; i < BLOCK_WORDS; i++)
        difference |= words[i] ^ word_of(value + i * STEP);
    return difference;
}

static uint64_t word_difference(const uint8_t *bytes, uint64_t value)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word ^ word_of(value);
}

size_t pattern_match(const uint8_t *bytes, size_t count, uint64_t key, uint64_t position)
{
    size_t first = bytes_before_word(position, count);
    size_t done = match_bytes(bytes, first, key, position);

    if (done < first)
        return done;
    uint64_t value = key + (position + done) / WORD_BYTES * STEP;
    for (; count - done >= BLOCK_BYTES && block_difference(bytes + done, value) == 0; done += BLOCK_BYTES)
        value += BLOCK_WORDS * STEP;
    for (; count - done >= WORD_BYTES && word_difference(bytes + done, value) == 0; done += WORD_BYTES)
        value += STEP;
    return done + match_bytes(bytes + done, count - done, key, position + done);
}
