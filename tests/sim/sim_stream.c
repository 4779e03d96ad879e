#include "tests/sim/sim_stream.h"

#include "base/random.h"

#include <string.h>

static uint64_t word_at(uint64_t key, uint64_t offset)
{
    return random_mix(key + (offset / 8 + 1) * 0x9e3779b97f4a7c15U);
}

void stream_fill(uint64_t key, uint64_t offset, uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        uint64_t word = word_at(key, offset);
        size_t skip = (size_t)(offset % 8);
        size_t count = 8 - skip < bytes ? 8 - skip : bytes;
        memcpy(data, (const uint8_t *)&word + skip, count);
        data += count;
        offset += count;
        bytes -= count;
    }
}

size_t stream_match(uint64_t key, uint64_t offset, const uint8_t *data, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        uint64_t word = word_at(key, offset + done);
        size_t skip = (size_t)((offset + done) % 8);
        size_t count = 8 - skip < bytes - done ? 8 - skip : bytes - done;
        for (size_t i = 0; i < count; i++) {
            if (((const uint8_t *)&word)[skip + i] != data[done + i]) {
                return done + i;
            }
        }
        done += count;
    }
    return done;
}
