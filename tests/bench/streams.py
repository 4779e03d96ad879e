"""The stream of pattern.h, written down a second time and independently."""

import struct

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
KEY_BYTES = 8


def word_of(value):
    return value ^ (value >> 32)


def stream(key, count):
    """Its first `count` bytes."""
    words = [word_of((key + i * STEP) & MASK) for i in range((count + 7) // 8)]
    return struct.pack(f"<{len(words)}Q", *words)[:count]


def key_of(data):
    return word_of(struct.unpack("<Q", data[:KEY_BYTES])[0])
