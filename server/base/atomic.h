/*
 * atomic: the few atomic operations that Fairlead needs, for gcc, clang and MSVC.
 *
 * Loads acquire, stores release, and every read-modify-write is sequentially consistent. The plain C11
 * <stdatomic.h> is not used because MSVC ships it only behind an experimental switch; this header and
 * compiler.h are the only two that may hold compiler-specific code.
 *
 * Objects are ordinary integers and pointers: whoever shares one must use these functions for every access,
 * except while only one thread can see it.
 */
#ifndef FAIRLEAD_BASE_ATOMIC_H
#define FAIRLEAD_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_MSC_VER)

#include <intrin.h>

/* x86-64 loads acquire and stores release in hardware; volatile keeps the compiler from moving or merging them
 * (/volatile:ms, MSVC's default on this architecture). */

static inline uint32_t atomic_load_u32(const uint32_t *object)
{
    return *(const volatile uint32_t *)object;
}

static inline void atomic_store_u32(uint32_t *object, uint32_t value)
{
    *(volatile uint32_t *)object = value;
}

static inline uint64_t atomic_load_u64(const uint64_t *object)
{
    return *(const volatile uint64_t *)object;
}

static inline void atomic_store_u64(uint64_t *object, uint64_t value)
{
    *(volatile uint64_t *)object = value;
}

static inline uint32_t atomic_fetch_add_u32(uint32_t *object, uint32_t value)
{
    return (uint32_t)_InterlockedExchangeAdd((volatile long *)object, (long)value);
}

static inline uint32_t atomic_fetch_or_u32(uint32_t *object, uint32_t bits)
{
    return (uint32_t)_InterlockedOr((volatile long *)object, (long)bits);
}

static inline uint32_t atomic_exchange_u32(uint32_t *object, uint32_t value)
{
    return (uint32_t)_InterlockedExchange((volatile long *)object, (long)value);
}

static inline bool atomic_cas_u32(uint32_t *object, uint32_t expected, uint32_t desired)
{
    return (uint32_t)_InterlockedCompareExchange((volatile long *)object, (long)desired, (long)expected) ==
           expected;
}

static inline uint64_t atomic_fetch_add_u64(uint64_t *object, uint64_t value)
{
    return (uint64_t)_InterlockedExchangeAdd64((volatile __int64 *)object, (__int64)value);
}

static inline bool atomic_cas_u64(uint64_t *object, uint64_t expected, uint64_t desired)
{
    return (uint64_t)_InterlockedCompareExchange64((volatile __int64 *)object, (__int64)desired,
                                                   (__int64)expected) == expected;
}

static inline void atomic_pause(void)
{
    _mm_pause();
}

#else

static inline uint32_t atomic_load_u32(const uint32_t *object)
{
    return __atomic_load_n(object, __ATOMIC_ACQUIRE);
}

static inline void atomic_store_u32(uint32_t *object, uint32_t value)
{
    __atomic_store_n(object, value, __ATOMIC_RELEASE);
}

static inline uint64_t atomic_load_u64(const uint64_t *object)
{
    return __atomic_load_n(object, __ATOMIC_ACQUIRE);
}

static inline void atomic_store_u64(uint64_t *object, uint64_t value)
{
    __atomic_store_n(object, value, __ATOMIC_RELEASE);
}

static inline uint32_t atomic_fetch_add_u32(uint32_t *object, uint32_t value)
{
    return __atomic_fetch_add(object, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t atomic_fetch_or_u32(uint32_t *object, uint32_t bits)
{
    return __atomic_fetch_or(object, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t atomic_exchange_u32(uint32_t *object, uint32_t value)
{
    return __atomic_exchange_n(object, value, __ATOMIC_SEQ_CST);
}

static inline bool atomic_cas_u32(uint32_t *object, uint32_t expected, uint32_t desired)
{
    return __atomic_compare_exchange_n(object, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline uint64_t atomic_fetch_add_u64(uint64_t *object, uint64_t value)
{
    return __atomic_fetch_add(object, value, __ATOMIC_SEQ_CST);
}

static inline bool atomic_cas_u64(uint64_t *object, uint64_t expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(object, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void atomic_pause(void)
{
    __builtin_ia32_pause();
}

#endif

#endif
